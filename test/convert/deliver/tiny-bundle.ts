import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const manifestName = 'smolvlm-bundle.json';

/** What the files contain; the stages do not load. */
export const contents = {
  'vision.onnx': Buffer.alloc(3_000, 'graph'),
  'host/tensors.bin': Buffer.alloc(1_000, 'host'),
  'config.json': Buffer.from('{}'),
  'empty.json': Buffer.alloc(0),
};

function describeFile(path: keyof typeof contents) {
  const data = contents[path];
  return { path, sizeBytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

export function manifestText(): string {
  const tensor = { name: 'x', dtype: 'float32', shape: [1] };
  const file = describeFile('vision.onnx');
  return JSON.stringify({
    schemaVersion: 1,
    model: { id: 'ORG/NAME', sha256: 'ab'.repeat(32) },
    target: 'cpu',
    residualScale: 1,
    stages: [{ name: 'vision', file, precision: 'int8', input: tensor, output: tensor }],
    host: describeFile('host/tensors.bin'),
    configs: [describeFile('config.json'), describeFile('empty.json')],
    created: '2026-01-01T00:00:00.000Z',
  });
}

/** Writes the bundle's files. */
export async function writeTinyBundle(dir: string): Promise<void> {
  await writeInto(dir, manifestName, manifestText());
  for (const [name, data] of Object.entries(contents)) await writeInto(dir, name, data);
}

export async function writeInto(dir: string, name: string, data: string | Buffer): Promise<void> {
  await mkdir(dirname(join(dir, name)), { recursive: true });
  await writeFile(join(dir, name), data);
}
