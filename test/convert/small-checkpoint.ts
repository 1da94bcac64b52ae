import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRandomCheckpoint } from '../../src/model/checkpoint/random-checkpoint';
import { demoModel } from '../fixtures';

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
  readonly size: { longest_edge: number };
}

/** As many patches and rows as the real model has: 1024 and 64. */
const realCounts: SmallTile = { imageSize: 128, patchSize: 4, scaleFactor: 4 };

/** A sixteenth of that, for tests of what happens around the model. */
export const fewPatches: SmallTile = { imageSize: 128, patchSize: 16, scaleFactor: 4 };

/** Other fields of `config.json` to change. */
export interface ConfigChanges {
  readonly model_type?: string;
  readonly text_config?: object;
}

/** Widths for a fraction of the demo model's work; its small vocabulary and single tile stay. */
const narrow = {
  vision: { hidden_size: 64, intermediate_size: 128 },
  text: {
    ...{ hidden_size: 48, intermediate_size: 96, num_hidden_layers: 2 },
    ...{ num_attention_heads: 6, num_key_value_heads: 2, head_dim: 8 },
  },
};

/** A random checkpoint with few vision layers. @param dir a new folder */
export async function writeSmallCheckpoint(
  dir: string,
  layers = 2,
  tile = realCounts,
  changes: ConfigChanges = {},
): Promise<void> {
  const configs = `${dir}.configs`;
  await mkdir(configs, { recursive: true });
  await cp(demoModel, configs, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
  await editJson(join(configs, 'config.json'), (config) => {
    config.scale_factor = tile.scaleFactor;
    config.model_type = changes.model_type ?? config.model_type;
    Object.assign(config.text_config, narrow.text, changes.text_config);
    Object.assign(config.vision_config, narrow.vision, {
      num_hidden_layers: layers,
      image_size: tile.imageSize,
      patch_size: tile.patchSize,
    });
  });
  await editJson(join(configs, 'preprocessor_config.json'), (processor) => {
    processor.max_image_size.longest_edge = tile.imageSize;
    processor.size.longest_edge = tile.imageSize;
  });
  await writeRandomCheckpoint(configs, dir, 5);
}

async function editJson(path: string, edit: (json: Config) => void): Promise<void> {
  const json = JSON.parse(await readFile(path, 'utf8'));
  edit(json);
  await writeFile(path, JSON.stringify(json));
}
