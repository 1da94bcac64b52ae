import { isRecord, type SchemaRecord, schemaFault } from './schema-faults';

export const typeNames = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'] as const;
export type TypeName = (typeof typeNames)[number];

/** Keywords that say something about values of a type; each says nothing about values of other types. */
const keywordsOfType = {
  object: ['properties', 'required', 'additionalProperties', 'propertyNames'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
} as const;

/** Keywords that do not change which values are valid. */
const notes: ReadonlySet<string> = new Set(
  [
    ['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly'],
    ['$schema', '$id', '$comment', '$defs', 'definitions', '$anchor', '$vocabulary', 'strict', 'name', 'id'],
    ['discriminator', 'contentEncoding', 'contentMediaType', 'contentSchema', 'externalDocs', 'xml'],
  ].flat(),
);

const combining = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'nullable'] as const;

const supported: ReadonlySet<string> = new Set([...Object.values(keywordsOfType).flat(), ...combining]);

/** Keywords that are refused unless their value, as JSON, changes nothing. */
const harmless: Readonly<Record<string, string>> = { minProperties: '0' };

/** @throws SmolvlmError `request-json-schema` naming a keyword that would not be kept */
export function checkKeywords(schema: SchemaRecord, path: string): void {
  for (const [keyword, value] of Object.entries(schema)) {
    if (supported.has(keyword) || notes.has(keyword) || keyword.startsWith('x-')) continue;
    if (keyword in harmless && harmless[keyword] === JSON.stringify(value)) continue;
    throw schemaFault(`${path}.${keyword}`, 'expected a keyword that is supported', keyword);
  }
}

/** Types that the keywords of a schema without `type` speak of. */
export function spokenOf(schema: SchemaRecord): TypeName[] {
  return (Object.keys(keywordsOfType) as (keyof typeof keywordsOfType)[]).filter((type) =>
    keywordsOfType[type].some((keyword) => keyword in schema),
  );
}

/** The schema without its notes. */
export function withoutNotes(schema: SchemaRecord): SchemaRecord {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => supported.has(keyword)));
}

/**
 * The schema of the values that fit both.
 * @throws SmolvlmError for keywords of both that cannot be joined
 */
export function joined(some: SchemaRecord, others: SchemaRecord, path: string): SchemaRecord {
  checkApart(some, others, path);
  checkApart(others, some, path);
  const result: Record<string, unknown> = { ...some };
  for (const [keyword, value] of Object.entries(withoutNotes(others))) {
    const before = result[keyword];
    result[keyword] =
      before === undefined || JSON.stringify(before) === JSON.stringify(value)
        ? value
        : joinedValue(keyword, before, value, path);
  }
  return result;
}

/** `items` and `additionalProperties` speak of what stands beside them: they mean something else in another schema. */
function checkApart(some: SchemaRecord, others: SchemaRecord, path: string): void {
  const { items, additionalProperties: rest, properties } = some;
  if (items !== undefined && others.prefixItems !== undefined && !('prefixItems' in some))
    throw schemaFault(`${path}.items`, 'expected prefixItems and items in one schema', items);
  if (rest === undefined || rest === true || !isRecord(others.properties)) return;
  const known = isRecord(properties) ? properties : {};
  const other = Object.keys(others.properties).find((name) => !Object.hasOwn(known, name));
  if (other !== undefined)
    throw schemaFault(`${path}.additionalProperties`, 'expected all properties in one schema', other);
}

function joinedValue(keyword: string, before: unknown, value: unknown, path: string): unknown {
  const numbers = typeof before === 'number' && typeof value === 'number';
  if (numbers && /^(min|exclusiveMin)/.test(keyword)) return Math.max(before, value);
  if (numbers && /^(max|exclusiveMax)/.test(keyword)) return Math.min(before, value);
  if (keyword === 'required' && Array.isArray(before) && Array.isArray(value)) {
    return [...new Set([...before, ...value])];
  }
  if (keyword === 'type') {
    const types = [before].flat().flatMap((type) => commonType(type, [value].flat()));
    if (types.length > 0) return types;
  }
  if (keyword === 'properties' && isRecord(before) && isRecord(value)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(value)])];
    return Object.fromEntries(
      names.map((name) => {
        const both = name in before && name in value;
        return [name, both ? { allOf: [before[name], value[name]] } : (before[name] ?? value[name])];
      }),
    );
  }
  if (keyword === 'uniqueItems') return before === true || value === true;
  if (keyword === 'items' || keyword === 'propertyNames') return { allOf: [before, value] };
  if (keyword === 'enum' && Array.isArray(before) && Array.isArray(value)) {
    const texts = new Set(value.map((each) => JSON.stringify(each)));
    return before.filter((each) => texts.has(JSON.stringify(each)));
  }
  throw schemaFault(`${path}.${keyword}`, 'expected one value, in schemas that are combined', value);
}

function commonType(type: unknown, others: readonly unknown[]): unknown[] {
  if (others.includes(type)) return [type];
  if (type === 'integer' && others.includes('number')) return ['integer'];
  return type === 'number' && others.includes('integer') ? ['integer'] : [];
}
