import fc from 'fast-check';
import { repetitions } from './quick-loop';

/** Cases of each property: a few in the tests, many in `npm run test:fuzz` (SMOLVLM_FUZZ_RUNS). */
export const fuzzRuns = Number(process.env.SMOLVLM_FUZZ_RUNS ?? repetitions(200, 40));

/** SMOLVLM_FUZZ_SEED repeats a run; a failure prints its seed and its smallest input. */
const seed = Number(process.env.SMOLVLM_FUZZ_SEED ?? Date.now() & 0x7fffffff);

/** Time for a whole suite in the long form. */
export const fuzzTimeoutMs = 60_000 + 20 * fuzzRuns;

/** Checks a property for generated inputs. */
export async function fuzz<Ts extends [unknown, ...unknown[]]>(
  property: fc.IAsyncPropertyWithHooks<Ts> | fc.IPropertyWithHooks<Ts>,
): Promise<void> {
  await fc.assert(property as fc.IAsyncPropertyWithHooks<Ts>, {
    numRuns: fuzzRuns,
    seed,
    interruptAfterTimeLimit: fuzzTimeoutMs,
    markInterruptAsFailure: true,
  });
}

/** A text with a few of its characters replaced, removed, doubled or cut off. */
export function mutatedText(text: string): fc.Arbitrary<string> {
  return mutated([...text], fc.constantFrom(...'{}[]":,\\\0é𝄞0-9eE+.ntu\n \ud800')).map((parts) =>
    parts.join(''),
  );
}

/** Bytes with a few of them replaced, removed, doubled or cut off. */
export function mutatedBytes(bytes: Uint8Array): fc.Arbitrary<Buffer> {
  return mutated([...bytes], fc.integer({ min: 0, max: 255 })).map((parts) => Buffer.from(parts));
}

function mutated<T>(items: readonly T[], other: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  const at = fc.nat({ max: Math.max(0, items.length - 1) });
  const change = fc.oneof(
    fc.record({ kind: fc.constant('replace' as const), at, with: other }),
    fc.record({ kind: fc.constant('insert' as const), at, with: other }),
    fc.record({ kind: fc.constant('remove' as const), at, length: fc.nat({ max: 16 }) }),
    fc.record({ kind: fc.constant('repeat' as const), at, length: fc.nat({ max: 16 }) }),
    fc.record({ kind: fc.constant('cut' as const), at }),
  );
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    const result = [...items];
    for (const each of changes) {
      switch (each.kind) {
        case 'replace':
          result[each.at] = each.with;
          break;
        case 'insert':
          result.splice(each.at, 0, each.with);
          break;
        case 'remove':
          result.splice(each.at, each.length);
          break;
        case 'repeat':
          result.splice(each.at, 0, ...result.slice(each.at, each.at + each.length));
          break;
        case 'cut':
          result.length = Math.min(result.length, each.at);
          break;
      }
    }
    return result;
  });
}

/** Any JSON value in place of a part of a JSON document, at a random place. */
export function mutatedJson(document: unknown): fc.Arbitrary<unknown> {
  const places = pathsOf(document);
  return fc
    .record({
      path: fc.constantFrom(...places),
      value: fc.oneof(oddValue, fc.jsonValue()),
      remove: fc.boolean(),
    })
    .map(({ path, value, remove }) => replaced(structuredClone(document), path, value, remove));
}

const oddValue = fc.constantFrom<unknown>(
  ...[
    null,
    '',
    -1,
    0,
    0.5,
    1e308,
    -0,
    Number.MAX_SAFE_INTEGER,
    [],
    {},
    true,
    '../../etc/passwd',
    '\0',
    '__proto__',
  ],
);

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))];
}

function replaced(document: unknown, path: Path, value: unknown, remove: boolean): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const parent = document as Record<string, unknown>;
  if (rest.length > 0) parent[key] = replaced(parent[key], rest, value, remove);
  else if (remove) delete parent[key];
  else parent[key] = value;
  return document;
}
