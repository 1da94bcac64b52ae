import { SmolvlmError } from '../../errors';
import type { BytePattern } from './byte-pattern';

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly target: number;
}

/** A state of the nondeterministic automaton: one edge over bytes, or jumps without a byte. */
interface Place {
  readonly edge: Edge | undefined;
  readonly jumps: number[];
}

/** A set of places, created when it is first reached. */
interface State {
  /** Places with an edge. */
  readonly places: readonly number[];
  readonly accepting: boolean;
  /** Fewest bytes to acceptance. */
  readonly distance: number;
  /** Next state by byte: `unknown`, `dead`, or an index. */
  readonly next: Int32Array;
}

const unknown = -2;
/** Returned by `step` when no text of the language continues like this. */
export const dead = -1;

/** Enough for a schema of the size that `limits` allows; a string of 1000 characters takes 25 000. */
const mostPlaces = 200_000;

/**
 * Recognises a pattern byte by byte. Thompson's construction, made deterministic on demand.
 * States are numbers; `start` is the first.
 */
export class ByteAutomaton {
  readonly start: number;
  readonly #places: Place[] = [];
  readonly #accept: number;
  readonly #distances: Float64Array;
  readonly #states: State[] = [];
  readonly #known = new Map<string, number>();
  /** First places of patterns that were built, by what follows them: a pattern may stand in several places. */
  readonly #built = new Map<BytePattern, Map<number, number>>();

  /**
   * @param canWrite bytes that may be written one by one; distances count only these
   * @throws SmolvlmError `caption-json-size` when the pattern is too large
   */
  constructor(pattern: BytePattern, canWrite: (byte: number) => boolean = () => true) {
    this.#accept = this.#place();
    const first = this.#build(pattern, this.#accept);
    this.#distances = this.#measure(canWrite);
    this.start = this.#state([first]);
  }

  /** @returns the state after this byte, or `dead` */
  step(state: number, byte: number): number {
    const from = this.#at(state);
    const known = from.next[byte] ?? dead;
    if (known !== unknown) return known;
    const targets: number[] = [];
    for (const place of from.places) {
      const edge = this.#places[place]?.edge;
      if (edge && edge.from <= byte && byte <= edge.to) targets.push(edge.target);
    }
    const next = targets.length === 0 ? dead : this.#state(targets);
    from.next[byte] = next;
    return next;
  }

  /** Whether the bytes so far are a text of the language. */
  accepts(state: number): boolean {
    return this.#at(state).accepting;
  }

  /** Fewest bytes, written one by one, that complete a text of the language from here; Infinity if none can. */
  distance(state: number): number {
    return this.#at(state).distance;
  }

  #at(index: number): State {
    return this.#states[index] as State;
  }

  #place(edge?: Edge): number {
    if (this.#places.length >= mostPlaces) {
      throw new SmolvlmError('caption-json-size', 'the JSON schema allows too large a set of answers', {
        hint: 'Lower maxLength and maxItems, or leave them out.',
      });
    }
    return this.#places.push({ edge, jumps: [] }) - 1;
  }

  /** @returns the place from which the pattern leads to `end` */
  #build(pattern: BytePattern, end: number): number {
    const built = this.#built.get(pattern) ?? new Map<number, number>();
    const known = built.get(end);
    if (known !== undefined) return known;
    const first = this.#buildNew(pattern, end);
    this.#built.set(pattern, built.set(end, first));
    return first;
  }

  #buildNew(pattern: BytePattern, end: number): number {
    switch (pattern.kind) {
      case 'byte':
        return this.#place({ from: pattern.from, to: pattern.to, target: end });
      case 'sequence':
        return pattern.parts.reduceRight((next, part) => this.#build(part, next), end);
      case 'either': {
        const fork = this.#place();
        for (const option of pattern.options) this.#jump(fork, this.#build(option, end));
        return fork;
      }
      case 'repeat': {
        const { part, min, max } = pattern;
        let next = end;
        if (max === undefined) {
          const loop = this.#place();
          this.#jump(loop, end);
          this.#jump(loop, this.#build(part, loop));
          next = loop;
        } else {
          for (let more = min; more < max; more++) {
            const fork = this.#place();
            this.#jump(fork, end);
            this.#jump(fork, this.#build(part, next));
            next = fork;
          }
        }
        for (let times = 0; times < min; times++) next = this.#build(part, next);
        return next;
      }
      case 'graph': {
        const places = pattern.nodes.map(() => this.#place());
        for (const [index, { accepts, edges }] of pattern.nodes.entries()) {
          const place = places[index] as number;
          if (accepts) this.#jump(place, end);
          for (const { pattern: step, target } of edges) {
            const next = places[target] as number;
            this.#jump(place, step ? this.#build(step, next) : next);
          }
        }
        return places[0] as number;
      }
    }
  }

  #jump(from: number, to: number): void {
    this.#places[from]?.jumps.push(to);
  }

  /** Breadth-first from the end; a jump costs nothing, an edge one byte. */
  #measure(canWrite: (byte: number) => boolean): Float64Array {
    const writable = Uint8Array.from({ length: 256 }, (_, byte) => Number(canWrite(byte)));
    const jumpsInto: (number[] | undefined)[] = [];
    const edgesInto: (number[] | undefined)[] = [];
    for (const [index, { edge, jumps }] of this.#places.entries()) {
      for (const target of jumps) add(jumpsInto, target, index);
      if (edge && writable.subarray(edge.from, edge.to + 1).includes(1)) add(edgesInto, edge.target, index);
    }
    const distances = new Float64Array(this.#places.length).fill(Number.POSITIVE_INFINITY);
    let layer = [this.#accept];
    for (let distance = 0; layer.length > 0; distance++) {
      const next: number[] = [];
      for (let place = layer.pop(); place !== undefined; place = layer.pop()) {
        if ((distances[place] as number) <= distance) continue;
        distances[place] = distance;
        layer.push(...(jumpsInto[place] ?? []));
        next.push(...(edgesInto[place] ?? []));
      }
      layer = next;
    }
    return distances;
  }

  /** The state of these places and all that are reached from them by jumps. */
  #state(from: readonly number[]): number {
    const reached = new Set<number>();
    const open = [...from];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (reached.has(place)) continue;
      reached.add(place);
      open.push(...(this.#places[place]?.jumps ?? []));
    }
    const places = [...reached].filter((place) => this.#places[place]?.edge).sort((a, b) => a - b);
    const accepting = reached.has(this.#accept);
    const key = `${accepting}:${places.join(',')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const distance = [...reached].reduce(
      (least, place) => Math.min(least, this.#distances[place] as number),
      Number.POSITIVE_INFINITY,
    );
    const index =
      this.#states.push({ places, accepting, distance, next: new Int32Array(256).fill(unknown) }) - 1;
    this.#known.set(key, index);
    return index;
  }
}

/** Adds to the list of a place; most places have none, and an empty list for each would take longer than the rest. */
function add(lists: (number[] | undefined)[], place: number, index: number): void {
  const list = lists[place];
  if (list) list.push(index);
  else lists[place] = [index];
}
