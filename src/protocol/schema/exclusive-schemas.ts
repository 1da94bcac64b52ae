import type { AnswerSchema, ObjectSchema } from './answer-schema';

/**
 * Whether no value fits both schemas, as far as it can be told: by their types, constants, and constants of a property
 * that both require.
 * @param isWider tells schemas that replace a client's and match more values
 */
export function exclude(
  one: AnswerSchema,
  other: AnswerSchema,
  isWider: (schema: AnswerSchema) => boolean,
): boolean {
  if (isWider(one) || isWider(other)) return false;
  if ('anyOf' in one) return one.anyOf.every((option) => exclude(option, other, isWider));
  if ('anyOf' in other) return exclude(other, one, isWider);
  if ('enum' in one && 'enum' in other) {
    const texts = new Set(one.enum.map((value) => JSON.stringify(value)));
    return !other.enum.some((value) => texts.has(JSON.stringify(value)));
  }
  if ('enum' in one)
    return 'type' in other && one.enum.every((value) => typeOf(value) !== kindOf(other.type));
  if ('enum' in other) return exclude(other, one, isWider);
  if (kindOf(one.type) !== kindOf(other.type)) return true;
  if (one.type !== 'object' || other.type !== 'object') return false;
  return Object.keys(one.properties).some((name) => {
    const [mine, yours] = [one.properties[name], other.properties[name]];
    const both = mine && yours && isRequired(one, name) && isRequired(other, name);
    return both && exclude(mine, yours, isWider);
  });
}

function isRequired({ required }: ObjectSchema, name: string): boolean {
  return required === undefined || required.includes(name);
}

function kindOf(type: string): string {
  return type === 'integer' ? 'number' : type;
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}
