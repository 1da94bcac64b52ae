/** A measurement: one call is one pass. @returns milliseconds per unit, e.g. a token */
export type Measured = () => Promise<number>;

/**
 * Interleaves all measurements, in an order that changes from pass to pass, so that all run under the same
 * load; the first pass only warms up.
 * @returns the fastest of each, milliseconds
 */
export async function interleaved<Name extends string>(
  measurements: Readonly<Record<Name, Measured>>,
  passes: number,
  signal: AbortSignal,
): Promise<Record<Name, number>> {
  const names = Object.keys(measurements) as Name[];
  const fastest = Object.fromEntries(names.map((name) => [name, Number.POSITIVE_INFINITY])) as Record<
    Name,
    number
  >;
  for (let pass = 0; pass <= passes; pass++) {
    for (let turn = 0; turn < names.length; turn++) {
      signal.throwIfAborted();
      const name = names[(turn + pass) % names.length] as Name;
      const ms = await measurements[name]();
      if (pass > 0) fastest[name] = Math.min(fastest[name], ms);
    }
  }
  return fastest;
}

/** Mean time of several consecutive calls, milliseconds. */
export async function meanMs(calls: number, call: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let count = 0; count < calls; count++) await call();
  return (performance.now() - started) / calls;
}
