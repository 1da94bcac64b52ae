import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { rememberedSha256 } from '../checksum-memory';
import { BundleError } from './bundle-file';
import type { BundleFile, BundleManifest, BundleStage } from './bundle-manifest';

/** The values of every shard that was converted without a manifest: the residual stream of SmolVLM-256M, × 0.1. */
const contract = { residualScale: 0.1, shape: [1, 1024, 768], cores: 3 } as const;

const shardName = /^l(\d+)_(attn|mlp)\.rknn$/;

/** Whether a file of this name is a shard: half a layer of the vision tower. */
export function isShardName(name: string): boolean {
  return shardName.test(name);
}

/**
 * Describes a folder of `l{i}_attn.rknn` and `l{i}_mlp.rknn` files without a manifest. The description has no host
 * tensors and no decoder: both come from the checkpoint.
 * @returns undefined when the folder contains no shard
 * @throws BundleError `bundle-shard-missing` for a gap in the layers
 */
export async function describeShardFolder(dir: string): Promise<BundleManifest | undefined> {
  const names = (await readdir(dir).catch((): string[] => [])).filter(isShardName);
  if (names.length === 0) return undefined;
  const layers = 1 + Math.max(...names.map((name) => Number(shardName.exec(name)?.[1])));
  const stages: BundleStage[] = [];
  for (let layer = 0; layer < layers; layer++) {
    for (const half of ['attn', 'mlp'] as const) stages.push(await describeShard(dir, layer, half, names));
  }
  const sums = stages.map(({ name, file }) => `${file.sha256}  ${name}\n`).join('');
  return {
    schemaVersion: 1,
    // The checkpoint is unknown; the shards' checksums distinguish such folders.
    model: { id: basename(dir), sha256: createHash('sha256').update(sums).digest('hex') },
    target: 'rk3588',
    residualScale: contract.residualScale,
    stages,
    configs: [],
    created: (await stat(join(dir, names[0] ?? ''))).mtime.toISOString(),
  };
}

async function describeShard(
  dir: string,
  layer: number,
  half: 'attn' | 'mlp',
  present: readonly string[],
): Promise<BundleStage> {
  const name = `l${layer}_${half}`;
  if (!present.includes(`${name}.rknn`)) {
    throw new BundleError('bundle-shard-missing', `${dir}: ${name}.rknn is missing among its shards`, {
      hint: 'Both halves of every layer are needed: copy the folder again.',
    });
  }
  const path = `${name}.rknn`;
  const file: BundleFile = {
    path,
    sha256: await rememberedSha256(join(dir, path)),
    sizeBytes: (await stat(join(dir, path))).size,
  };
  const tensor = { dtype: 'float32', shape: contract.shape } as const;
  return {
    name,
    file,
    precision: 'fp16',
    core: layer % contract.cores,
    input: { name: 'in', ...tensor },
    output: { name: 'out', ...tensor },
  };
}
