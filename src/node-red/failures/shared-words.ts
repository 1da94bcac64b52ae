/** Node-RED's texts, in the runtime and in the editor. */
export interface NodeRedTexts {
  _(key: string, values?: object): string;
}

/** Fields whose label has another name in the catalogs. */
const labelNames: Readonly<Record<string, string>> = { queuePolicy: 'policy', queueCapacity: 'capacity' };

/** The full name of a text in a node's catalog, which is valid outside of that node, too. @param type of the node */
export function catalogKey(type: string, key: string): string {
  return `@rk3588/node-red-smolvlm/${type}:${type}.${key}`;
}

/** A text of the engine node's catalog, which all nodes share, in the language of Node-RED or its editor. */
export function sharedWord(
  RED: NodeRedTexts,
  key: string,
  values?: Readonly<Record<string, string>>,
): string {
  return RED._(sharedKey(key), values).trim();
}

/** The full name of a text of the engine node's catalog. */
export function sharedKey(key: string): string {
  return catalogKey('smolvlm-engine', key);
}

/** What the dialog writes beside a field: the node's own, or the engine's. @returns the field's name if neither has it */
export function fieldLabel(RED: NodeRedTexts, type: string, field: string): string {
  const name = labelNames[field] ?? field;
  for (const catalog of [type, 'smolvlm-engine']) {
    const label = RED._(catalogKey(catalog, `label.${name}`));
    if (!label.endsWith(`.label.${name}`)) return label;
  }
  return field;
}
