import { prepareShardBundle } from '../../convert/bundle/shard-bundle';
import { withReference } from '../../convert/npu/bundle-reference';
import { chooseFrames } from '../../convert/npu/calibration-frames';
import { SmolvlmError } from '../../errors';
import { BundleError } from '../../model/bundle/bundle-file';
import { type Bundle, readBundle } from '../../model/bundle/read-bundle';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { type CommandIo, type OptionValues, optionalString } from '../command/command';
import { decoderOption, progressOf } from './bundle-options';

/** `smolvlm convert --shards DIR`: a folder of shards and their checkpoint become a bundle, without the toolkit. */
export async function adoptShards(
  shards: string,
  checkpoint: Checkpoint,
  out: string,
  values: OptionValues,
  io: CommandIo,
): Promise<number> {
  const frames = await chooseFrames(optionalString(values, 'calibration'));
  const manifest = await prepareShardBundle(
    await shardFolder(shards),
    checkpoint,
    out,
    {
      shards: 'copy',
      visionPrecision: 'int8',
      decoder: decoderOption(values),
      reference: withReference(checkpoint, frames, io.signal),
    },
    progressOf(io),
  );
  io.result(
    { path: out, manifest, report: { stages: [] } },
    `${out}: ${manifest.stages.length} shards of ${shards} with ${checkpoint.id}; check them on the hub: smolvlm validate ${out}`,
  );
  return 0;
}

/** @throws SmolvlmError `convert-shards` for a folder without shards, and for a bundle, which needs no checkpoint */
async function shardFolder(dir: string): Promise<Bundle> {
  const found = await readBundle(dir).catch((cause: unknown) => {
    if (!(cause instanceof BundleError) || cause.code !== 'bundle-manifest-missing') throw cause;
    throw new SmolvlmError('convert-shards', `--shards: no shards found in ${dir}`, {
      hint: 'Give the folder of the files l0_attn.rknn, l0_mlp.rknn …',
      cause,
    });
  });
  if (found.manifest.host === undefined) return found;
  throw new SmolvlmError('convert-shards', `--shards: ${dir} is already a bundle`, {
    hint: 'Use it directly: smolvlm validate, smolvlm pack, or as the engine’s model.',
  });
}
