import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heaps of all threads grow to four times their live objects, V8's own largest factor, before everything is
 * marked. V8 counts the bytes of pictures as well: a heap of 15 MB would otherwise be marked every few frames, for 5–60 ms
 * on a busy machine, and captions wait for that.
 */
export function collectLessOften(): void {
  setFlagsFromString('--heap-growing-percent=300');
}
