import { defined } from '../../system/defined';
import type { AnswerSchema, ArraySchema, ObjectSchema, SchemaOptions } from './answer-schema';
import { exclude } from './exclusive-schemas';
import { isRecord, type SchemaRecord, schemaFault, wholeNumber } from './schema-faults';
import { checkKeywords, joined, spokenOf, type TypeName, typeNames, withoutNotes } from './schema-keywords';
import { schemaLimits } from './schema-limits';
import { SchemaReferences } from './schema-references';
import { parseEnum, parseInteger, parseNumber, parseString } from './schema-scalars';
import { uniqueArray } from './unique-array';

/** Levels of a value that may be anything. */
const anythingLevels = 3;

const mostSchemas = 4000;

/** Schemas that no value fits. */
type Impossible = undefined;

/** Parses one document with its references. */
export class SchemaParser {
  readonly #document: unknown;
  readonly #path: string;
  readonly #optionalByDefault: boolean;
  readonly #references: SchemaReferences;
  /** Schemas whose type was concluded from other keywords: values of other types fit them as well. */
  readonly #concluded = new WeakSet<object>();
  #count = 0;

  constructor(document: unknown, path: string, { optionalByDefault = false }: SchemaOptions) {
    this.#document = document;
    this.#references = new SchemaReferences(document);
    this.#path = path;
    this.#optionalByDefault = optionalByDefault;
  }

  parse(): AnswerSchema {
    const parsed = this.#parse(this.#document, this.#path, 0);
    if (parsed) return parsed;
    throw schemaFault(this.#path, 'expected a schema that some value matches', this.#document);
  }

  #parse(value: unknown, path: string, depth: number): AnswerSchema | Impossible {
    if (value === false) return undefined;
    if (value !== true && !isRecord(value)) throw schemaFault(path, 'expected a schema object', value);
    this.#count += 1;
    if (depth > schemaLimits.depth)
      throw schemaFault(path, `expected at most ${schemaLimits.depth} levels`, 'a deeper one');
    if (this.#count > mostSchemas) throw schemaFault(path, 'expected a smaller schema', 'a larger one');
    if (value === true) return this.#concluding(this.#anything(anythingLevels));
    if (isNever(value)) return undefined;
    checkKeywords(value, path);
    const used: string[] = [];
    const schema = this.#expanded(value, path, used, 0);
    if (!schema || this.#references.areTooDeep(used, depth)) return undefined;
    return this.#references.within(used, () => this.#parseExpanded(schema, path, depth));
  }

  /** The schema with its references and `allOf` in it; undefined if one of them is `false`. */
  #expanded(schema: SchemaRecord, path: string, used: string[], hops: number): SchemaRecord | Impossible {
    if (hops > 16) throw schemaFault(path, 'expected a schema that ends', 'references to themselves');
    const { $ref, allOf, ...rest } = schema;
    let result: SchemaRecord | Impossible = rest;
    const parts: (readonly [unknown, string])[] = [];
    if ($ref !== undefined) {
      parts.push([this.#references.target($ref, `${path}.$ref`), `${path}.$ref`]);
      used.push(String($ref));
    }
    if (allOf !== undefined) {
      if (!Array.isArray(allOf)) throw schemaFault(`${path}.allOf`, 'expected a list of schemas', allOf);
      parts.push(...allOf.map((part, index) => [part, `${path}.allOf[${index}]`] as const));
    }
    for (const [part, place] of parts) {
      if (part === false) return undefined;
      if (part === true) continue;
      if (!isRecord(part)) throw schemaFault(place, 'expected a schema object', part);
      checkKeywords(part, place);
      const expanded: SchemaRecord | Impossible = this.#expanded(part, place, used, hops + 1);
      if (!expanded) return undefined;
      result = joined(expanded, result, path);
    }
    return result;
  }

  #parseExpanded(schema: SchemaRecord, path: string, depth: number): AnswerSchema | Impossible {
    const { nullable, ...rest } = schema;
    if (nullable === true) {
      return anyOf([this.#parseExpanded(rest, path, depth), { enum: [null] }]);
    }
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (rest[keyword] !== undefined) return this.#alternatives(keyword, rest, path, depth);
    }
    if (rest.enum !== undefined || 'const' in rest) return parseEnum(rest, path);
    if (rest.type !== undefined) return this.#typed(rest, path, depth);
    const types = spokenOf(rest);
    if (types.length === 0) return this.#concluding(this.#anything(anythingLevels));
    return this.#concluding(anyOf(types.map((type) => this.#ofType(type, rest, path, depth))));
  }

  #alternatives(
    keyword: 'anyOf' | 'oneOf',
    schema: SchemaRecord,
    path: string,
    depth: number,
  ): AnswerSchema | Impossible {
    const { [keyword]: options, ...others } = schema;
    const place = `${path}.${keyword}`;
    if (!Array.isArray(options) || options.length === 0 || options.length > schemaLimits.options)
      throw schemaFault(place, `expected a list of 1 to ${schemaLimits.options} schemas`, options);
    const rest = withoutNotes(others);
    const parsed = options.map((option, index) => {
      const each = `${place}[${index}]`;
      const both = Object.keys(rest).length > 0 ? { allOf: [option, rest] } : option;
      return this.#parse(both, each, depth);
    });
    const possible = parsed.filter((option) => option !== undefined);
    if (keyword === 'oneOf') this.#checkExclusive(possible, place);
    return anyOf(possible);
  }

  /** A value that fits two options does not fit `oneOf`. */
  #checkExclusive(options: readonly AnswerSchema[], place: string): void {
    for (const [index, option] of options.entries()) {
      for (const other of options.slice(0, index)) {
        if (exclude(option, other, (schema) => this.#concluded.has(schema))) continue;
        throw schemaFault(
          place,
          'expected options of different types, or with different constants of a required property',
          option,
        );
      }
    }
  }

  #typed(schema: SchemaRecord, path: string, depth: number): AnswerSchema | Impossible {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    for (const type of types) {
      if (!typeNames.includes(type as TypeName))
        throw schemaFault(`${path}.type`, `expected one of ${typeNames.join(', ')}, or an enum`, type);
    }
    // Every integer is a number.
    const chosen = types.filter((type) => type !== 'integer' || !types.includes('number'));
    return anyOf(chosen.map((type) => this.#ofType(type as TypeName, schema, path, depth)));
  }

  #ofType(type: TypeName, schema: SchemaRecord, path: string, depth: number): AnswerSchema | Impossible {
    switch (type) {
      case 'string':
        return parseString(schema, path);
      case 'integer':
        return parseInteger(schema, path);
      case 'number':
        return parseNumber(schema, path);
      case 'boolean':
        return { type };
      case 'null':
        return { enum: [null] };
      case 'array':
        return this.#array(schema, path, depth);
      case 'object':
        return this.#object(schema, path, depth);
    }
  }

  #array(schema: SchemaRecord, path: string, depth: number): AnswerSchema | Impossible {
    const { prefixItems, items } = schema;
    if (prefixItems !== undefined && !Array.isArray(prefixItems))
      throw schemaFault(`${path}.prefixItems`, 'expected a list of schemas', prefixItems);
    // Before 2020-12 a list of `items` was what `prefixItems` is now.
    const first: unknown[] = prefixItems ?? (Array.isArray(items) ? items : []);
    const rest = Array.isArray(items) ? undefined : items;
    const parsed = first.map((item, index) => this.#parse(item, `${path}.prefixItems[${index}]`, depth + 1));
    const other =
      rest === undefined ? this.#anything(anythingLevels - 1) : this.#parse(rest, `${path}.items`, depth + 1);
    const minItems = wholeNumber(schema.minItems, `${path}.minItems`, 0, schemaLimits.items);
    const given = wholeNumber(schema.maxItems, `${path}.maxItems`, 0, Number.MAX_SAFE_INTEGER);
    if (minItems !== undefined && given !== undefined && minItems > given)
      throw schemaFault(`${path}.maxItems`, `expected at least minItems (${minItems})`, given);
    // Items stop before the first that no value fits.
    const dead = parsed.indexOf(undefined);
    const whole = dead >= 0 ? dead : other === undefined ? parsed.length : undefined;
    const mostItems = given === undefined ? undefined : Math.min(given, schemaLimits.items);
    const maxItems = whole === undefined ? mostItems : Math.min(whole, mostItems ?? whole);
    if (maxItems !== undefined && (minItems ?? 0) > maxItems) return undefined;
    const prefix = parsed.slice(0, maxItems).filter((item) => item !== undefined);
    const array: ArraySchema = {
      type: 'array',
      ...(prefix.length > 0 && { prefixItems: prefix }),
      items: other ?? { type: 'boolean' },
      ...defined({ minItems, maxItems }),
    };
    return schema.uniqueItems === true ? uniqueArray(array, path) : array;
  }

  #object(schema: SchemaRecord, path: string, depth: number): AnswerSchema | Impossible {
    if (schema.propertyNames !== undefined) return this.#named(schema, path, depth);
    const { properties = {}, additionalProperties: others = true } = schema;
    if (!isRecord(properties)) throw schemaFault(`${path}.properties`, 'expected an object', properties);
    const given = Object.keys(properties);
    const required = this.#required(schema, path, given);
    const names = [...new Set([...given, ...required])];
    if (names.length > schemaLimits.properties)
      throw schemaFault(
        `${path}.properties`,
        `expected at most ${schemaLimits.properties} properties`,
        names.length,
      );
    const parsed: Record<string, AnswerSchema> = {};
    for (const name of names) {
      const place = given.includes(name) ? `${path}.properties.${name}` : `${path}.additionalProperties`;
      const property = this.#parse(given.includes(name) ? properties[name] : others, place, depth + 1);
      if (property) Object.defineProperty(parsed, name, { value: property, enumerable: true });
      else if (required.includes(name)) return undefined;
    }
    const optional = Object.keys(parsed).some((name) => !required.includes(name));
    const more = this.#additional(others, given.length > 0, `${path}.additionalProperties`, depth);
    if (Object.keys(parsed).length === 0 && !more) return { enum: [{}] };
    return {
      type: 'object',
      properties: parsed,
      ...(optional && { required }),
      ...defined({ additionalProperties: more }),
    } satisfies ObjectSchema;
  }

  /** An object whose property names are limited: by a list of them, which then are its properties. */
  #named(schema: SchemaRecord, path: string, depth: number): AnswerSchema | Impossible {
    const { propertyNames, properties = {}, additionalProperties: others = true, ...rest } = schema;
    const place = `${path}.propertyNames`;
    const names = this.#parse(propertyNames, place, depth + 1);
    if (!isRecord(properties)) throw schemaFault(`${path}.properties`, 'expected an object', properties);
    const isAnyString =
      names && 'type' in names && names.type === 'string' && Object.keys(names).length === 1;
    if (isAnyString) return this.#object({ ...rest, properties, additionalProperties: others }, path, depth);
    if (names && !('enum' in names)) throw schemaFault(place, 'expected a list of names', propertyNames);
    const listed = (names?.enum ?? []).filter((name) => typeof name === 'string');
    const allowed = listed.map((name) => [name, Object.hasOwn(properties, name) ? properties[name] : others]);
    const required = rest.required ?? (this.#optionalByDefault ? [] : Object.keys(properties));
    const limited = { properties: Object.fromEntries(allowed), required, additionalProperties: false };
    return this.#object({ ...rest, ...limited }, path, depth);
  }

  #required({ required }: SchemaRecord, path: string, given: readonly string[]): string[] {
    if (required === undefined) return this.#optionalByDefault ? [] : [...given];
    if (Array.isArray(required) && required.every((name) => typeof name === 'string'))
      return [...new Set(required)];
    throw schemaFault(`${path}.required`, 'expected a list of names', required);
  }

  /** Where the properties are listed, others are written only if they have a schema. */
  #additional(others: unknown, isListed: boolean, path: string, depth: number): AnswerSchema | undefined {
    if (others === true)
      return isListed || depth >= schemaLimits.depth ? undefined : this.#anything(anythingLevels - 1);
    return this.#parse(others, path, depth + 1);
  }

  #concluding(schema: AnswerSchema | Impossible): AnswerSchema | Impossible {
    if (schema) this.#concluded.add(schema);
    return schema;
  }

  #anything(levels: number): AnswerSchema {
    const scalars: AnswerSchema[] = [
      { type: 'string' },
      { type: 'number' },
      { type: 'boolean' },
      { enum: [null] },
    ];
    if (levels === 0) return { anyOf: scalars };
    const inner = this.#anything(levels - 1);
    const array = { type: 'array', items: inner } as const;
    const object = { type: 'object', properties: {}, additionalProperties: inner } as const;
    return { anyOf: [object, array, ...scalars] };
  }
}

function anyOf(options: readonly (AnswerSchema | Impossible)[]): AnswerSchema | Impossible {
  const possible = options.filter((option) => option !== undefined);
  return possible.length > 1 ? { anyOf: possible } : possible[0];
}

/** zod writes `{"not": {}}` for a value that is never given. */
function isNever({ not, ...rest }: SchemaRecord): boolean {
  return isRecord(not) && Object.keys(not).length === 0 && Object.keys(withoutNotes(rest)).length === 0;
}
