import type { NodeAPI } from 'node-red';

/** Looks a text up in a node's catalog, in Node-RED's language. */
export type Translate = (key: string, values?: Record<string, string | number>) => string;

/** @param type of the node whose catalog is meant */
export function translatorOf(RED: NodeAPI, type: string): Translate {
  return (key, values) => RED._(`${type}.${key}`, values as never);
}
