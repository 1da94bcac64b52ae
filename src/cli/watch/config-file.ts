import { readFileSync } from 'node:fs';
import { SmolvlmError } from '../../errors';
import { isJsonObject, type JsonObject } from '../../system/json/json-fields';

/** A configuration file, with the places of its values. */
export interface ConfigFile {
  readonly object: JsonObject;
  /** @param message begins with the path of a value, e.g. `cameras[1].url: …`, or with none */
  fault(message: string): SmolvlmError;
}

/**
 * Reads YAML, or JSON if the name ends in `.json`. Errors name the line, and never quote the file: it may hold passwords.
 * @throws SmolvlmError `watch-config`, `watch-yaml`
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw configError(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  return path.endsWith('.json') ? jsonFile(path, text) : await yamlFile(path, text);
}

function jsonFile(path: string, text: string): ConfigFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const line = position === undefined ? '' : `:${text.slice(0, Number(position)).split('\n').length}`;
    throw configError(`${path}${line}: is not JSON`);
  }
  return { object: checkObject(path, value), fault: (message) => configError(`${path}: ${message}`) };
}

async function yamlFile(path: string, text: string): Promise<ConfigFile> {
  const { LineCounter, parseDocument, isNode } = await loadYaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error) throw configError(`${path}:${lines.linePos(error.pos[0]).line}: is not YAML (${error.code})`);
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    throw configError(`${path}: its aliases cannot be resolved`);
  }
  const lineOf = (place: string): string => {
    const keys = [...place.matchAll(/[^.[\]]+/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key));
    for (let depth = keys.length; depth > 0; depth--) {
      const node = document.getIn(keys.slice(0, depth), true);
      if (isNode(node) && node.range) return `:${lines.linePos(node.range[0]).line}`;
    }
    return '';
  };
  return {
    object: checkObject(path, value),
    fault: (message) =>
      configError(`${path}${lineOf(/^[\w.[\]]+(?=: )/.exec(message)?.[0] ?? '')}: ${message}`),
  };
}

function checkObject(path: string, value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw configError(`${path}: expected fields, for example "cameras:"`);
}

async function loadYaml(): Promise<typeof import('yaml')> {
  try {
    return await import('yaml');
  } catch (cause) {
    throw new SmolvlmError('watch-yaml', 'cannot load the package yaml, which reads the file', {
      hint: 'Install this package without --omit=optional, or write the file as JSON, with a name that ends in .json.',
      cause,
    });
  }
}

function configError(message: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('watch-config', message, {
    hint: 'The fields are listed in docs/many-hubs.md, Cameras without Node-RED.',
    cause,
  });
}
