/** Node-RED's texts, in the runtime and in the editor. */
export interface NodeRedTexts {
  _(key: string, values?: never): string;
}

const catalog = '@rk3588/node-red-smolvlm/smolvlm-engine:smolvlm-engine';

/** Fields whose label has another name in the catalogs. */
const labelNames: Readonly<Record<string, string>> = { queuePolicy: 'policy', queueCapacity: 'capacity' };

/** A text of the engine node's catalog, which all nodes share, in the language of Node-RED or its editor. */
export function sharedWord(
  RED: NodeRedTexts,
  key: string,
  values?: Readonly<Record<string, string>>,
): string {
  return RED._(`${catalog}.${key}`, values as never).trim();
}

/** What the dialog writes beside a field: the node's own, or the engine's. @returns the field's name if neither has it */
export function fieldLabel(RED: NodeRedTexts, type: string, field: string): string {
  const name = labelNames[field] ?? field;
  for (const key of [`${type}.label.${name}`, `${catalog}.label.${name}`]) {
    const label = RED._(key);
    if (!label.endsWith(`.label.${name}`)) return label;
  }
  return field;
}
