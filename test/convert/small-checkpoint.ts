import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRandomCheckpoint } from '../../src/model/checkpoint/random-checkpoint';
import { fixture } from '../fixtures';

interface SmallTile {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly scaleFactor: number;
}

/** The fields that are changed. */
interface Config {
  scale_factor: number;
  model_type: string;
  readonly vision_config: object;
  readonly text_config: object;
  readonly max_image_size: { longest_edge: number };
}

/** As many patches and rows as the real model has: 1024 and 64. */
const realCounts: SmallTile = { imageSize: 128, patchSize: 4, scaleFactor: 4 };

/** Other fields of `config.json` to change. */
export interface ConfigChanges {
  readonly model_type?: string;
  readonly text_config?: object;
}

/** A random checkpoint with few vision layers. @param dir a new folder */
export async function writeSmallCheckpoint(
  dir: string,
  layers = 2,
  tile = realCounts,
  changes: ConfigChanges = {},
): Promise<void> {
  const configs = `${dir}.configs`;
  await mkdir(configs, { recursive: true });
  const from = fixture('goldens', 'tiny-idefics3');
  await cp(from, configs, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
  await editJson(join(configs, 'config.json'), (config) => {
    config.scale_factor = tile.scaleFactor;
    config.model_type = changes.model_type ?? config.model_type;
    Object.assign(config.text_config, changes.text_config);
    Object.assign(config.vision_config, {
      num_hidden_layers: layers,
      image_size: tile.imageSize,
      patch_size: tile.patchSize,
    });
  });
  await editJson(join(configs, 'preprocessor_config.json'), (processor) => {
    processor.max_image_size.longest_edge = tile.imageSize;
  });
  await writeRandomCheckpoint(configs, dir, 5);
}

async function editJson(path: string, edit: (json: Config) => void): Promise<void> {
  const json = JSON.parse(await readFile(path, 'utf8'));
  edit(json);
  await writeFile(path, JSON.stringify(json));
}
