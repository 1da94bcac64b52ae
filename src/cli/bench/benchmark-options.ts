import { type OptionValues, UsageError } from '../command/command';

/** The options of each benchmark, by the option that chooses it; the first that is given counts. */
const optionsOf = {
  hubs: ['hubs', 'caption-ms', 'emulator', 'frame-bytes', 'frames', 'cameras', 'interval', 'seconds'],
  cameras: ['cameras', 'emulator', 'cores', 'model', 'threads', 'passes'],
  emulator: ['emulator', 'cores', 'zero-copy', 'timeline'],
  board: ['board', 'model', 'checkpoint', 'out'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const modelOptions = ['model', 'threads', 'passes', 'memory', 'part'] as const;

type Benchmark = keyof typeof optionsOf | 'model';

/** @throws UsageError for an option of another benchmark, which would have no effect */
export function chosenBenchmark(values: OptionValues): Benchmark {
  const choices = Object.keys(optionsOf) as (keyof typeof optionsOf)[];
  const chosen = choices.find((name) => values[name] !== undefined);
  const allowed: readonly string[] = chosen ? optionsOf[chosen] : modelOptions;
  const other = Object.keys(values).find((name) => !['json', 'help', ...allowed].includes(name));
  if (other === undefined) return chosen ?? 'model';
  throw new UsageError(`--${other} has no effect ${chosen ? `with --${chosen}` : 'here'}`);
}
