import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRandomCheckpoint } from '../../src/model/checkpoint/random-checkpoint';
import { fixture } from '../fixtures';

/** A random checkpoint of two vision layers with the real tile: 1024 patches, 64 rows. @param dir a new folder */
export async function writeSmallCheckpoint(dir: string, layers = 2): Promise<void> {
  const configs = `${dir}.configs`;
  await mkdir(configs, { recursive: true });
  const from = fixture('goldens', 'tiny-idefics3');
  await cp(from, configs, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
  const path = join(configs, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.vision_config.num_hidden_layers = layers;
  await writeFile(path, JSON.stringify(config));
  await writeRandomCheckpoint(configs, dir, 5);
}
