import { type FindingPhrase, listed, phrase } from '../../protocol/findings/finding-phrase';
import {
  defaultToolkit,
  type ToolkitVersion,
  toolkitVersions,
} from '../../protocol/models/conversion-choices';

/** Options with which a release of rknn-toolkit2 builds our graphs correctly. */
export interface RknnToolkit {
  /** Its name of INT8 weights and activations. */
  readonly quantizedDtype: string;
  /** Fusions, by their names in its registries. */
  readonly disabledRules: readonly string[];
}

/**
 * Fusions that undo the query tiling; the last two fail on the query chunks: "'split' object is not iterable".
 */
const disabledRules = [
  'fuse_matmul_softmax_matmul_to_sdpa',
  'fuse_exmatmul_add_mul_exsoftmax13_exmatmul_to_sdpa',
  'convert_softmax_to_exsoftmax13',
  'fuse_exmatmul_mul',
  'fuse_channel_shuffle_split_concat_to_gather',
  'reduce_reshape_op_around_concat',
  'reduce_reshape_op_around_split',
] as const;

export const rknnToolkits = {
  '2.3.2': { quantizedDtype: 'asymmetric_quantized-8', disabledRules },
  '2.5.0': { quantizedDtype: 'w8a8', disabledRules },
} as const satisfies Readonly<Record<ToolkitVersion, RknnToolkit>>;

/**
 * Advice on how to get a bundle for a hub's runtime: the releases of toolkit and runtime must be the same.
 * @param runtime version of librknnrt, e.g. `2.3.2b0`
 */
export function bundleAdvice(runtime: string, { model = 'MODEL', target = 'CHIP' } = {}): FindingPhrase {
  const release = releaseOf(runtime);
  const version = toolkitVersions.find((known) => known === release);
  const command = (toolkit: string): string =>
    `smolvlm convert --toolkit ${toolkit} --target ${target} --model ${model} --out BUNDLE`;
  if (version !== undefined) return phrase('convertForRuntime', { release, command: command(version) });
  return phrase('noToolkitForRuntime', {
    release,
    versions: listed('or', toolkitVersions),
    toolkit: defaultToolkit,
    command: command(defaultToolkit),
  });
}

/** `2.3.2b0` belongs to release 2.3.2. */
export function releaseOf(version: string): string {
  return /^\d+(\.\d+)*/.exec(version)?.[0] ?? version;
}
