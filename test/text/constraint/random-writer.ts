import assert from 'node:assert/strict';
import type { AnswerSchema } from '../../../src/protocol/schema/answer-schema';
import { JsonConstraint } from '../../../src/text/constraint/json-constraint';
import { TokenTrie } from '../../../src/text/constraint/token-trie';
import { greedyToken } from '../../../src/text/probability';

export const stopToken = 256;

const words = [
  ...['{"', '":', '", "', ' "', 'true', 'fal', '12', '0.5', 'person', 'café', '☃', '\n', '}}', '"}', '], '],
];

/** Every byte, a control token, and some tokens of several bytes. */
export const pieces = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  undefined,
  ...words.map((word) => Uint8Array.from(Buffer.from(word))),
];

export const trie = new TokenTrie(pieces);

/** Id of a token of several bytes. */
export function wordToken(word: string): number {
  return stopToken + 1 + words.indexOf(word);
}

/** A model that prefers tokens at random, the same ones for the same seed. */
export function randomModel(seed: number): () => Float32Array {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  return () => Float32Array.from(pieces, next);
}

/** Writes greedily until the stop token or the token limit. */
export function write(
  schema: AnswerSchema,
  room: number,
  next: () => Float32Array,
): { readonly text: string; readonly tokens: number } {
  const constraint = new JsonConstraint(schema, trie, [stopToken], room);
  const bytes: number[] = [];
  let tokens = 0;
  while (tokens < room) {
    const masked = constraint.mask(next(), room - tokens);
    const id = greedyToken(masked);
    assert.notEqual(masked[id], Number.NEGATIVE_INFINITY, 'something may always be written');
    tokens += 1;
    if (id === stopToken) break;
    constraint.accept(id);
    bytes.push(...(pieces[id] ?? []));
  }
  return { text: Buffer.from(bytes).toString('utf8'), tokens };
}
