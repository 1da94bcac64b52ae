import type { BundleManifest } from '../../../src/model/bundle/bundle-manifest';

export const sha256 = 'ab'.repeat(32);
export const file = { path: 'parts/l0_attn.rknn', sha256, sizeBytes: 7 };
export const tensor = { name: 'in', dtype: 'float32', shape: [1, 1024, 768] } as const;
export const stage = {
  name: 'l0_attn',
  file,
  precision: 'int8',
  core: 2,
  input: tensor,
  output: tensor,
} as const;

/** A valid manifest in which every optional field is given. */
export const manifest: BundleManifest = {
  schemaVersion: 1,
  model: { id: 'ORG/NAME', sha256 },
  target: 'rk3588',
  toolkitVersion: '2.3.2',
  residualScale: 0.125,
  stages: [{ ...stage, data: file, cosine: 0.9999, buildSeconds: 12.5 }],
  hostGraphs: { patchProjection: stage, connectorProjection: stage },
  host: file,
  decoder: { format: 'onnx', precision: 'int4', files: [file] },
  configs: [file],
  validation: file,
  created: '2026-01-01T00:00:00.000Z',
};
