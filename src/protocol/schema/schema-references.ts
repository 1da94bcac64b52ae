import { type SchemaRecord, schemaFault } from './schema-faults';
import { schemaLimits } from './schema-limits';

/** Times that a reference may stand inside itself. Deeper, only values without it are written. */
const recursion = 3;

/** The references of one document, and those whose targets are being parsed. */
export class SchemaReferences {
  readonly #document: unknown;
  /** Each as often as it stands inside itself. */
  readonly #active = new Map<string, number>();

  constructor(document: unknown) {
    this.#document = document;
  }

  /** @throws SmolvlmError when the reference leads out of the document or nowhere */
  target(reference: unknown, path: string): unknown {
    if (reference === '#') return this.#document;
    if (typeof reference !== 'string' || !reference.startsWith('#/'))
      throw schemaFault(path, 'expected a reference into this schema, such as #/$defs/name', reference);
    let target: unknown = this.#document;
    for (const key of reference.slice(2).split('/')) {
      const name = decodePointer(key);
      const holder: unknown = target;
      target =
        typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name)
          ? (holder as SchemaRecord)[name]
          : undefined;
    }
    if (target === undefined)
      throw schemaFault(path, 'expected a reference to a part of this schema', reference);
    return target;
  }

  /** Whether one of them stands inside itself as often as it may. */
  areTooDeep(references: readonly string[], depth: number): boolean {
    return references.some((reference) => {
      const times = this.#active.get(reference) ?? 0;
      return times >= recursion || (times > 0 && depth >= schemaLimits.depth - 1);
    });
  }

  /** Parses what stands inside the targets of references. */
  within<T>(references: readonly string[], parse: () => T): T {
    for (const reference of references) this.#add(reference, 1);
    try {
      return parse();
    } finally {
      for (const reference of references) this.#add(reference, -1);
    }
  }

  #add(reference: string, count: number): void {
    this.#active.set(reference, (this.#active.get(reference) ?? 0) + count);
  }
}

function decodePointer(key: string): string {
  try {
    return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return key;
  }
}
