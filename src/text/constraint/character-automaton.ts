import { SmolvlmError } from '../../errors';
import { type CharacterRange, common } from '../../protocol/schema/character-ranges';
import type { StringPattern } from '../../protocol/schema/string-pattern';
import { type BytePattern, type GraphNode, graph } from './byte-pattern';

interface Edge {
  readonly ranges: readonly CharacterRange[];
  readonly target: number;
}

interface Place {
  readonly edges: Edge[];
  readonly jumps: number[];
}

const mostPlaces = 20_000;

/** A string pattern as a nondeterministic automaton over characters (Thompson's construction). */
export class CharacterAutomaton {
  readonly start: number;
  readonly accept: number;
  readonly #places: Place[] = [];

  constructor(pattern: StringPattern) {
    this.accept = this.#place();
    this.start = this.#build(pattern, this.accept);
  }

  edges(place: number): readonly Edge[] {
    return this.#places[place]?.edges ?? [];
  }

  /** Places that are reached without a character. */
  jumps(place: number): readonly number[] {
    return this.#places[place]?.jumps ?? [];
  }

  #place(): number {
    if (this.#places.length >= mostPlaces) throw tooLarge();
    return this.#places.push({ edges: [], jumps: [] }) - 1;
  }

  #fork(...targets: number[]): number {
    const place = this.#place();
    this.#places[place]?.jumps.push(...targets);
    return place;
  }

  #build(pattern: StringPattern, end: number): number {
    switch (pattern.kind) {
      case 'set': {
        const place = this.#place();
        this.#places[place]?.edges.push({ ranges: pattern.ranges, target: end });
        return place;
      }
      case 'sequence':
        return pattern.parts.reduceRight((next, part) => this.#build(part, next), end);
      case 'either':
        return this.#fork(...pattern.options.map((option) => this.#build(option, end)));
      case 'repeat': {
        const { part, min, max } = pattern;
        let next = end;
        if (max === undefined) {
          next = this.#fork(end);
          this.#places[next]?.jumps.push(this.#build(part, next));
        } else {
          for (let more = min; more < max; more++) next = this.#fork(end, this.#build(part, next));
        }
        for (let times = 0; times < min; times++) next = this.#build(part, next);
        return next;
      }
    }
  }
}

/** Limits of a string's length in characters. */
interface Lengths {
  readonly minLength: number;
  readonly maxLength: number | undefined;
}

/**
 * The strings that all automata accept, of a length within limits.
 * @param bytesOf one of the characters, as bytes
 * @throws SmolvlmError `caption-json-size`
 */
export function intersection(
  automata: readonly CharacterAutomaton[],
  { minLength, maxLength }: Lengths,
  bytesOf: (ranges: readonly CharacterRange[]) => BytePattern,
): BytePattern {
  // Beyond `counted` characters the length makes no difference any more.
  const counted = maxLength ?? minLength;
  const nodes: { accepts: boolean; edges: { pattern?: BytePattern; target: number }[] }[] = [];
  const known = new Map<string, number>();
  const open: { readonly places: readonly number[]; readonly count: number; readonly node: number }[] = [];
  const patterns = new Map<string, BytePattern>();
  const nodeOf = (places: readonly number[], count: number): number => {
    const key = `${places.join(',')}:${count}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (nodes.length >= mostPlaces) throw tooLarge();
    const accepts = count >= minLength && places.every((place, index) => place === automata[index]?.accept);
    const node = nodes.push({ accepts, edges: [] }) - 1;
    known.set(key, node);
    open.push({ places, count, node });
    return node;
  };
  const patternOf = (ranges: readonly CharacterRange[]): BytePattern => {
    const key = ranges.join(';');
    const pattern = patterns.get(key) ?? bytesOf(ranges);
    patterns.set(key, pattern);
    return pattern;
  };
  nodeOf(
    automata.map(({ start }) => start),
    0,
  );
  for (let next = open.pop(); next; next = open.pop()) {
    const { places, count, node } = next;
    const edges = nodes[node]?.edges ?? [];
    for (const [index, automaton] of automata.entries()) {
      for (const target of automaton.jumps(places[index] ?? 0))
        edges.push({ target: nodeOf(places.with(index, target), count) });
    }
    if (maxLength !== undefined && count >= maxLength) continue;
    for (const { ranges, targets } of steps(automata, places)) {
      const target = nodeOf(targets, Math.min(count + 1, counted));
      edges.push({ pattern: patternOf(ranges), target });
    }
  }
  return graph(nodes satisfies readonly GraphNode[]);
}

/** Characters that every automaton can read at its place. */
function steps(
  automata: readonly CharacterAutomaton[],
  places: readonly number[],
): { readonly ranges: readonly CharacterRange[]; readonly targets: readonly number[] }[] {
  let found: { ranges: readonly CharacterRange[]; targets: readonly number[] }[] = [
    { ranges: [[0, 0x10ffff]], targets: [] },
  ];
  for (const [index, automaton] of automata.entries()) {
    found = found.flatMap(({ ranges, targets }) =>
      automaton.edges(places[index] ?? 0).map((edge) => ({
        ranges: common(ranges, edge.ranges),
        targets: [...targets, edge.target],
      })),
    );
  }
  return found.filter(({ ranges }) => ranges.length > 0);
}

function tooLarge(): SmolvlmError {
  return new SmolvlmError('caption-json-size', 'the JSON schema allows too large a set of strings', {
    hint: 'Lower maxLength, or simplify the pattern.',
  });
}
