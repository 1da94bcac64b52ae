import { type BundleTarget, bundleTargets } from '../../protocol/models/conversion-choices';
import { type OptionValues, optionalChoice, requiredString, UsageError } from '../command/command';

const toolkitOptions = ['toolkit', 'python'] as const;
const bundleOptions = ['model', 'out', 'calibration', 'decoder', 'resume'] as const;
const cpuOptions = [...bundleOptions, 'target', 'precision', 'granularity'] as const;

/** The options of each conversion; those of the toolkit also belong to `--setup`. */
const optionsOf = {
  setup: [],
  shards: [...bundleOptions, 'shards'],
  cpu: cpuOptions,
  npu: [
    ...cpuOptions,
    ...toolkitOptions,
    ...['int8-layers', 'query-rows', 'residual-scale', 'stage-cosine', 'tower-cosine', 'no-cpu-stages'],
    ...['rkllm-python', 'workers'],
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/**
 * What is converted to; undefined: to nothing, since only the toolkit is set up.
 * @throws UsageError also for an option of another conversion, which would have no effect
 */
export function chosenConversion(values: OptionValues): BundleTarget | 'shards' | undefined {
  if (values.setup === true && values.model === undefined) {
    refuseOthers(values, optionsOf.setup, 'without --model');
    return undefined;
  }
  for (const name of ['model', 'out']) requiredString(values, name);
  const target = optionalChoice(values, 'target', bundleTargets);
  if (values.shards !== undefined) {
    if (target !== undefined)
      throw new UsageError('--shards takes no --target', 'Shards are made for one chip.');
    refuseOthers(values, optionsOf.shards, 'with --shards');
    return 'shards';
  }
  if (target === undefined)
    throw new UsageError('--target is missing', `One of ${bundleTargets.join(', ')}.`);
  refuseOthers(values, target === 'cpu' ? optionsOf.cpu : optionsOf.npu, `with --target ${target}`);
  return target;
}

function refuseOthers(values: OptionValues, own: readonly string[], when: string): void {
  const allowed = ['json', 'help', 'setup', ...own, ...(values.setup === true ? toolkitOptions : [])];
  const other = Object.keys(values).find((name) => !allowed.includes(name));
  if (other !== undefined) throw new UsageError(`--${other} has no effect ${when}`);
}
