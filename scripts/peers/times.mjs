/** @returns milliseconds */
export async function timed(task) {
  const started = performance.now();
  await task();
  return performance.now() - started;
}

/** The fastest of three measurements, as llama-bench -r 3 makes them. */
export async function fastest(measure) {
  const times = [];
  for (let pass = 0; pass < 3; pass++) times.push(await measure());
  return Math.min(...times);
}
