import type { ArraySchema, StringSchema } from '../../protocol/schema/answer-schema';
import { type BytePattern, type GraphNode, graph, literal, sequence } from './byte-pattern';
import { jsonString } from './json-string';

/**
 * An array in which no two items are equal: each item is from a later group than the one before, and the groups have no
 * value in common. A listed value is a group; so are all strings that begin with the same letter.
 * @param comma what separates items
 */
export function uniqueItems(
  { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: ArraySchema,
  comma: BytePattern,
): BytePattern {
  // Each number of written items has its own part of the automaton, as far as the bounds need it.
  const counts = Number.isFinite(maxItems) ? maxItems : Math.max(1, minItems);
  const groups =
    'enum' in items
      ? items.enum.map((value) => literal(JSON.stringify(value)))
      : stringGroups(items as StringSchema, counts);
  const nodes: { accepts: boolean; edges: GraphNode['edges'][number][] }[] = [];
  const width = groups.length + 1;
  // Node `count * width + group`: so many items are written, the next is of this group or a later one.
  for (let count = 0; count <= counts; count++) {
    for (let group = 0; group <= groups.length; group++) {
      const node: (typeof nodes)[number] = {
        accepts: count >= minItems,
        edges: [],
      };
      const pattern = groups[group];
      if (pattern && count < maxItems) {
        const next = Math.min(count + 1, counts);
        node.edges.push(
          { target: count * width + group + 1 },
          { pattern: count === 0 ? pattern : sequence(comma, pattern), target: next * width + group + 1 },
        );
      }
      nodes.push(node);
    }
  }
  return sequence(literal('['), graph(nodes), literal(']'));
}

/** First letters of strings, each as a class of a regular expression, whatever their case. */
const latin = [
  ...[...'abcdefghijklmnopqrstuvwxyz'].map((letter) => letter + letter.toUpperCase()),
  ...'0123456789',
];

/** Parts of the other alphabets. */
const others = [...blocks(0xc0, 0x2fff, 0x80), ...blocks(0x3000, 0xd7ff, 0x800)];

function blocks(from: number, to: number, size: number): string[] {
  const hex = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
  const starts = Array.from({ length: Math.ceil((to - from) / size) }, (_, index) => from + index * size);
  return starts.map((start) => `${hex(start)}-${hex(Math.min(start + size - 1, to))}`);
}

/** Of all characters of all counted items in all groups, so that the automaton stays small enough. */
const mostCharacters = 2500;

/** Strings by their first letter. Where items or characters are counted, longer strings are valid but not written. */
function stringGroups({ minLength = 0, maxLength }: StringSchema, counts: number): BytePattern[] {
  if (maxLength === 0) return [literal('""')];
  const isCounted = maxLength !== undefined || counts > 1;
  const letters = isCounted ? [...latin, '\\u00c0-\\ud7ff'] : [...latin, ...others];
  const least = Math.max(0, minLength - 1);
  const room = Math.floor(mostCharacters / (letters.length * counts));
  const most = maxLength === undefined ? '' : Math.max(least, Math.min(maxLength - 1, room));
  return letters.map((each) => jsonString({ type: 'string', pattern: `^[${each}].{${least},${most}}$` }));
}
