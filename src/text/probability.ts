/** @returns ln Σ exp(logits), computed without overflow */
export function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/** Natural logarithm of a token's probability under softmax(logits). */
export function logProbability(logits: Float32Array, id: number): number {
  return (logits[id] ?? Number.NEGATIVE_INFINITY) - logSumExp(logits);
}

/** The most likely token, the lower id of two equal ones. */
export function greedyToken(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if ((logits[id] as number) > (logits[best] as number)) best = id;
  }
  return best;
}
