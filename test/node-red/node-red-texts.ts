import type { NodeAPI } from 'node-red';
import { type original, readCatalog, type Translation } from '../nodes/catalogs';

/** Looks texts up as Node-RED does, in a language's catalogs. */
export function nodeRedTexts(language: typeof original | Translation): NodeAPI {
  const look = (key: string, values: Readonly<Record<string, string>> = {}): string => {
    const name = key.slice(key.indexOf(':') + 1);
    const text = readCatalog(name.split('.')[0] ?? '', language).get(name) ?? name;
    return text.replaceAll(/__(\w+)__/g, (_, value: string) => values[value] ?? '');
  };
  return { _: look } as unknown as NodeAPI;
}
