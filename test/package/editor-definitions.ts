import { type CallExpression, type Literal, type ObjectExpression, parse } from 'acorn';
import { simple } from 'acorn-walk';

/** What a parser that runs nothing finds in a node's dialog. */
export interface EditorDefinition {
  readonly type: string;
  /** Values of the properties that are written as literals. */
  readonly literals: Readonly<Record<string, unknown>>;
  /** Names inside the properties that are written as objects: `defaults`, `credentials`. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Values of the fields of `defaults` that are written as literals. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads the types that a dialog registers, as the flow library's scorecard does: only a literal type
 * and an object written in place, in a plain script block, are found.
 */
export function editorDefinitions(html: string): readonly EditorDefinition[] {
  const found: EditorDefinition[] = [];
  for (const [, script = ''] of html.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g)) {
    simple(parse(script, { ecmaVersion: 'latest' }), {
      CallExpression: (call) => {
        const definition = readRegistration(call);
        if (definition) found.push(definition);
      },
    });
  }
  return found;
}

function readRegistration({
  callee,
  arguments: [type, definition],
}: CallExpression): EditorDefinition | undefined {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return undefined;
  if (callee.property.name !== 'registerType') return undefined;
  if (type?.type !== 'Literal' || definition?.type !== 'ObjectExpression') return undefined;
  const literals: Record<string, unknown> = {};
  const fields: Record<string, readonly string[]> = {};
  const values: Record<string, unknown> = {};
  for (const [key, value] of entries(definition)) {
    if (value.type === 'Literal') literals[key] = (value as Literal).value;
    if (value.type === 'ObjectExpression')
      fields[key] = entries(value as ObjectExpression).map(([name]) => name);
    if (key === 'defaults' && value.type === 'ObjectExpression')
      Object.assign(values, literalValues(value as ObjectExpression));
  }
  return { type: String(type.value), literals, fields, values };
}

function literalValues(defaults: ObjectExpression): Readonly<Record<string, unknown>> {
  const found = entries(defaults).flatMap(([field, definition]) => {
    if (definition.type !== 'ObjectExpression') return [];
    const value = entries(definition as ObjectExpression).find(([name]) => name === 'value')?.[1];
    return value?.type === 'Literal' ? [[field, (value as Literal).value] as const] : [];
  });
  return Object.fromEntries(found);
}

function entries({
  properties,
}: ObjectExpression): readonly (readonly [string, { readonly type: string }])[] {
  return properties.flatMap((property) =>
    property.type === 'Property' && property.key.type === 'Identifier'
      ? [[property.key.name, property.value] as const]
      : [],
  );
}
