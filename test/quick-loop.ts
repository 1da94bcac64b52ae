/** `npm run test:fast` repeats less than `npm test`: the same promises, with fewer inputs and rounds. */
const isQuick = process.env.SMOLVLM_TEST_QUICK === '1';

/** @returns the count for this run */
export function repetitions(usual: number, quick: number): number {
  return isQuick ? quick : usual;
}
