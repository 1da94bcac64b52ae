import assert from 'node:assert/strict';
import { conversionReport, conversionTable } from '../../../src/cli/convert/report';
import type { NpuStageEntry, StageTrial } from '../../../src/convert/npu/npu-stage-part';
import type { BundleManifest } from '../../../src/model/bundle/bundle-manifest';

describe('the report of a conversion', () => {
  const tensor = { name: 'in', dtype: 'float32', shape: [1, 4, 4] } as const;
  const trial = (precision: 'int8' | 'fp16', cosine: number): StageTrial => ({
    precision,
    cosine,
    maxAbsError: 0.5,
    accumulatedCosine: cosine - 0.0001,
    seconds: 8.04,
    peakRssBytes: 9e8,
  });

  /** The last trial was chosen. */
  function entry(name: string, ...trials: StageTrial[]): NpuStageEntry {
    const taken = trials.at(-1)!;
    const { precision, cosine, accumulatedCosine, seconds } = taken;
    const file = { path: `${name}.rknn`, sha256: '', sizeBytes: 5_300_000 };
    const stage = {
      ...{ name, file, precision, cosine, accumulatedCosine },
      ...{ input: tensor, output: tensor, buildSeconds: seconds },
    };
    return { stage, trials, stream: '' };
  }

  const manifest = {
    target: 'rk3588',
    toolkitVersion: '2.3.2',
    decoder: { format: 'onnx', precision: 'int8', files: [] },
  } as unknown as BundleManifest;
  const entries = [
    entry('l0_attn', trial('int8', 0.9981), trial('fp16', 0.999999)),
    entry('l0_mlp', trial('int8', 0.9995)),
  ];
  const report = conversionReport('/data/bundle', { manifest, entries }, 80.4);

  it('reports for auto what each stage reached in INT8, even if it was not chosen', () => {
    assert.deepEqual(
      report.report.stages.map(({ name, precision, int8_cosine }) => [name, precision, int8_cosine]),
      [
        ['l0_attn', 'fp16', 0.9981],
        ['l0_mlp', 'int8', 0.9995],
      ],
    );
    assert.equal(report.report.tower_cosine, entries[1]?.stage.accumulatedCosine);
  });

  it('has a readable table', () => {
    assert.deepEqual(conversionTable(report).split('\n'), [
      'stage    precision  cosine    accumulated  as int8   size     built in',
      'l0_attn  fp16       0.999999  0.999899     0.998100  5.30 MB  8.0 s',
      'l0_mlp   int8       0.999500  0.999400     0.999500  5.30 MB  8.0 s',
      '',
      '/data/bundle: 2 stages for rk3588 with librknnrt 2.3.2, 1 of them INT8; cosine of the whole tower 0.999400',
      '80 s, at most 0.90 GB per worker; decoder: int8 on the CPU, none for the NPU',
    ]);
  });
});
