import { defined } from '../../system/defined';
/** A regular language over bytes, as a tree. */
export type BytePattern =
  | { readonly kind: 'byte'; readonly from: number; readonly to: number }
  | { readonly kind: 'sequence'; readonly parts: readonly BytePattern[] }
  | { readonly kind: 'either'; readonly options: readonly BytePattern[] }
  /** `max` absent: any number. */
  | { readonly kind: 'repeat'; readonly part: BytePattern; readonly min: number; readonly max?: number }
  /** An automaton; the first node is its start. */
  | { readonly kind: 'graph'; readonly nodes: readonly GraphNode[] };

export interface GraphNode {
  readonly accepts: boolean;
  /** Without a pattern: the target is reached without a byte. */
  readonly edges: readonly { readonly pattern?: BytePattern; readonly target: number }[];
}

/** Any byte of the range, both ends included. */
export function byteRange(from: number, to: number): BytePattern {
  return { kind: 'byte', from, to };
}

/** The UTF-8 bytes of the text, and nothing else. */
export function literal(text: string): BytePattern {
  return sequence(...[...Buffer.from(text, 'utf8')].map((byte) => byteRange(byte, byte)));
}

export function sequence(...parts: BytePattern[]): BytePattern {
  return { kind: 'sequence', parts };
}

export function either(...options: BytePattern[]): BytePattern {
  return { kind: 'either', options };
}

export function repeat(part: BytePattern, min: number, max?: number): BytePattern {
  return { kind: 'repeat', part, min, ...defined({ max }) };
}

export function graph(nodes: readonly GraphNode[]): BytePattern {
  return { kind: 'graph', nodes };
}

export function optional(part: BytePattern): BytePattern {
  return repeat(part, 0, 1);
}
