import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isJsonObject, type JsonObject, readJsonObject } from '../../system/json/json-fields';
import { rememberedSha256 } from '../checksum-memory';
import { modelNameOf } from '../model-name';
import { CheckpointError } from '../safetensors/checkpoint-error';
import { CheckpointTensors } from './checkpoint-tensors';
import { type ImageProcessorConfig, parseImageProcessorConfig } from './image-processor-config';
import { type ModelConfig, parseModelConfig } from './model-config';
import { readPullRecord } from './pull-record';
import { requiredTensors } from './required-tensors';
import { findWeightFiles } from './weight-files';

/** The small files of a model beside its weights; those that exist are copied into bundles. */
export const configFiles = [
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

/** The parsed configs of a folder; bundles contain the same files. */
export interface ModelConfigs {
  readonly config: ModelConfig;
  readonly imageProcessor: ImageProcessorConfig;
}

/** An open checkpoint folder whose weights were checked against its config. */
export interface Checkpoint extends ModelConfigs {
  readonly dir: string;
  /** The hub id it was pulled or downloaded as, else the folder's name. */
  readonly id: string;
  /** By canonical name, e.g. `vision_model.post_layernorm.weight`. */
  readonly tensors: CheckpointTensors;
  /** Over the names and SHA-256 of weights and configs; computed once and remembered while the files stay the same. */
  sha256(): Promise<string>;
  close(): Promise<void>;
}

/** @throws CheckpointError for a config, file or tensor that is missing or wrong; names it */
export async function openCheckpoint(dir: string): Promise<Checkpoint> {
  const folder = resolve(dir);
  const configs = await readModelConfigs(folder);
  const tensors = await CheckpointTensors.open(folder);
  try {
    tensors.check(requiredTensors(configs.config));
    const id = (await readPullRecord(folder))?.id ?? modelNameOf(folder);
    let sha256: Promise<string> | undefined;
    return {
      dir: folder,
      id,
      ...configs,
      tensors,
      sha256: () => {
        sha256 ??= checkpointSha256(folder);
        return sha256;
      },
      close: () => tensors.close(),
    };
  } catch (error) {
    await tensors.close();
    throw error;
  }
}

/** Reads the configs of a checkpoint or bundle folder. @throws CheckpointError `checkpoint-config` */
export async function readModelConfigs(dir: string): Promise<ModelConfigs> {
  const read = (name: string): Promise<JsonObject | undefined> =>
    readJsonObject(join(dir, name), (message) => configError(join(dir, name), message));
  const json = await read('config.json');
  if (!json) throw await noConfig(dir);
  const config = parseModelConfig(json, await read('generation_config.json'), join(dir, 'config.json'));
  const processor = await imageProcessorJson(dir, read);
  const imageProcessor = parseImageProcessorConfig(processor.json, processor.where);
  if (imageProcessor.maxImageSize !== config.vision.imageSize) {
    throw configError(
      processor.where,
      `max_image_size.longest_edge: expected config.json's vision_config.image_size (${config.vision.imageSize}), received ${imageProcessor.maxImageSize}`,
    );
  }
  return { config, imageProcessor };
}

/** transformers 5 keeps the image processor's keys inside `processor_config.json`. */
async function imageProcessorJson(
  dir: string,
  read: (name: string) => Promise<JsonObject | undefined>,
): Promise<{ json: JsonObject; where: string }> {
  const own = await read('preprocessor_config.json');
  if (own) return { json: own, where: join(dir, 'preprocessor_config.json') };
  const nested = (await read('processor_config.json'))?.image_processor;
  if (isJsonObject(nested)) return { json: nested, where: join(dir, 'processor_config.json') };
  throw configError(join(dir, 'preprocessor_config.json'), 'is missing');
}

async function checkpointSha256(dir: string): Promise<string> {
  const present = new Set(await readdir(dir));
  const { files } = await findWeightFiles(dir);
  const hash = createHash('sha256');
  for (const name of [...configFiles.filter((each) => present.has(each)), ...files].sort()) {
    hash.update(`${await rememberedSha256(join(dir, name))}  ${name}\n`);
  }
  return hash.digest('hex');
}

async function noConfig(dir: string): Promise<CheckpointError> {
  const isFolder = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return new CheckpointError(
    'checkpoint-missing',
    isFolder ? `${dir}: there is no config.json` : `${dir}: the folder does not exist`,
    { hint: 'Give a checkpoint folder, a model pulled with smolvlm pull, or "demo".' },
  );
}

function configError(where: string, message: string): CheckpointError {
  return new CheckpointError('checkpoint-config', `${where}: ${message}`);
}
