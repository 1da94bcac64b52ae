import type { NpuBundle } from '../../convert/npu/npu-bundle';
import type { NpuStageEntry } from '../../convert/npu/npu-stage-part';
import type { BundleManifest } from '../../model/bundle/bundle-manifest';
import { defined } from '../../system/defined';
import { alignedTable } from '../command/aligned-table';

/** The output of `smolvlm convert`. */
export interface ConversionReport {
  readonly path: string;
  readonly manifest: BundleManifest;
  readonly report: {
    readonly seconds: number;
    readonly peak_rss_bytes: number;
    /** Cosine of the stream after the last stage to the float32 reference, in the simulator. */
    readonly tower_cosine: number;
    /** false: the decoder runs on the hub's CPU, since rkllm-toolkit was not available to export it. */
    readonly npu_decoder: boolean;
    readonly stages: readonly StageRow[];
  };
}

interface StageRow {
  readonly name: string;
  readonly precision: string;
  readonly cosine: number;
  readonly accumulated_cosine: number;
  readonly max_abs_error: number;
  readonly bytes: number;
  readonly build_seconds: number;
  /** Cosine of the INT8 stage, even if it was not chosen. */
  readonly int8_cosine?: number;
}

export function conversionReport(
  path: string,
  { manifest, entries }: NpuBundle,
  seconds: number,
): ConversionReport {
  const peaks = entries.flatMap(({ trials }) => trials.map(({ peakRssBytes }) => peakRssBytes));
  return {
    path,
    manifest,
    report: {
      seconds,
      peak_rss_bytes: Math.max(...peaks),
      tower_cosine: entries.at(-1)?.stage.accumulatedCosine ?? 0,
      npu_decoder: manifest.npuDecoder !== undefined,
      stages: entries.map(stageRow),
    },
  };
}

function stageRow({ stage, trials }: NpuStageEntry): StageRow {
  const int8 = trials.find(({ precision }) => precision === 'int8');
  return {
    name: stage.name,
    precision: stage.precision,
    cosine: stage.cosine ?? 0,
    accumulated_cosine: stage.accumulatedCosine ?? 0,
    max_abs_error: trials.at(-1)?.maxAbsError ?? 0,
    bytes: stage.file.sizeBytes,
    build_seconds: stage.buildSeconds ?? 0,
    ...defined({ int8_cosine: int8?.cosine }),
  };
}

/** The report as readable text. */
export function conversionTable({ path, manifest, report }: ConversionReport): string {
  const rows = report.stages.map((row) => [
    row.name,
    row.precision,
    row.cosine.toFixed(6),
    row.accumulated_cosine.toFixed(6),
    row.int8_cosine === undefined ? '' : row.int8_cosine.toFixed(6),
    `${(row.bytes / 1e6).toFixed(2)} MB`,
    `${row.build_seconds.toFixed(1)} s`,
  ]);
  const int8 = report.stages.filter(({ precision }) => precision === 'int8').length;
  return [
    alignedTable(['stage', 'precision', 'cosine', 'accumulated', 'as int8', 'size', 'built in'], rows),
    '',
    `${path}: ${rows.length} stages for ${manifest.target} with librknnrt ${manifest.toolkitVersion}, ${int8} of them INT8; cosine of the whole tower ${report.tower_cosine.toFixed(6)}`,
    `${report.seconds.toFixed(0)} s, at most ${(report.peak_rss_bytes / 1e9).toFixed(2)} GB per worker; decoder: ${manifest.decoder?.precision} on the CPU${report.npu_decoder ? ', and w8a8 on the NPU' : ', none for the NPU'}`,
  ].join('\n');
}
