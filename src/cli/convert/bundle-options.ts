import type { BuildProgress } from '../../convert/bundle/build-progress';
import { writeOnnxDecoder } from '../../convert/bundle/onnx-decoder';
import { type VisionGranularity, visionGranularities } from '../../model/bundle/bundle-manifest';
import { cpuPrecisions } from '../../protocol/models/conversion-choices';
import { type CommandIo, type OptionValues, optionalChoice } from '../command/command';

// Options of every conversion.

/** `--decoder`: the decoder for the CPU. @throws UsageError */
export function decoderOption(values: OptionValues) {
  return {
    precision: optionalChoice(values, 'decoder', cpuPrecisions) ?? 'int8',
    write: writeOnnxDecoder,
  } as const;
}

/** `--granularity`: what a stage is. @throws UsageError */
export function granularityOption(values: OptionValues): VisionGranularity | undefined {
  return optionalChoice(values, 'granularity', visionGranularities);
}

/** How a conversion is aborted, and where it reports its progress. */
export function progressOf(io: CommandIo) {
  return {
    signal: io.signal,
    onProgress: ({ part, ...rest }: BuildProgress) => io.progress({ step: part, ...rest }),
  };
}
