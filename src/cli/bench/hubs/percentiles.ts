export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** @param values at least one */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const index = Math.max(0, Math.ceil(share * sorted.length) - 1);
    return Math.round((sorted[index] ?? Number.NaN) * 10) / 10;
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
