import { prepareCpuBundle } from '../../convert/bundle/cpu-bundle';
import { withReference } from '../../convert/npu/bundle-reference';
import { chooseFrames } from '../../convert/npu/calibration-frames';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { cpuStagePrecisions } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import { type CommandIo, type OptionValues, optionalChoice, optionalString } from '../command/command';
import { decoderOption, granularityOption, progressOf } from './bundle-options';

/** `smolvlm convert` for any CPU. @throws UsageError; SmolvlmError what the conversion throws */
export async function convertForCpu(
  checkpoint: Checkpoint,
  out: string,
  values: OptionValues,
  io: CommandIo,
): Promise<number> {
  const visionPrecision = optionalChoice(values, 'precision', cpuStagePrecisions) ?? 'int8';
  const granularity = granularityOption(values);
  const frames = await chooseFrames(optionalString(values, 'calibration'));
  const manifest = await prepareCpuBundle(
    checkpoint,
    out,
    {
      visionPrecision,
      decoder: decoderOption(values),
      reference: withReference(checkpoint, frames, io.signal),
      ...defined({ granularity }),
    },
    progressOf(io),
  );
  io.result(
    { path: out, manifest, report: { stages: [] } },
    `${out}: ${manifest.stages.length} stages in ${visionPrecision} for the CPU`,
  );
  return 0;
}
