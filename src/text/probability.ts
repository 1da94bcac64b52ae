import { SmolvlmError } from '../errors';

/**
 * @returns ln Σ exp(logits), computed without overflow
 * @throws SmolvlmError `caption-logits` when one of them is NaN, or all are −∞
 */
export function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const result = largest + Math.log(sum);
  if (Number.isNaN(result)) throw notNumbers();
  return result;
}

/** Natural logarithm of a token's probability under softmax(logits). @throws SmolvlmError `caption-logits` */
export function logProbability(logits: Float32Array, id: number): number {
  return (logits[id] ?? Number.NEGATIVE_INFINITY) - logSumExp(logits);
}

/** The most likely token; of two equal ones the lower id. @throws SmolvlmError `caption-logits` when none is a number */
export function greedyToken(logits: Float32Array): number {
  let best = -1;
  let largest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (logit > largest) {
      best = id;
      largest = logit;
    }
  }
  if (best < 0) throw notNumbers();
  return best;
}

function notNumbers(): SmolvlmError {
  return new SmolvlmError(
    'caption-logits',
    'expected the decoder to compute a number for every token, received NaN',
    {
      hint: 'The computation has overflowed. Try precision float32 and the CPU backend; run smolvlm validate on the bundle.',
    },
  );
}
