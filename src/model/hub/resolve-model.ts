import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SmolvlmError } from '../../errors';
import { packageFile } from '../../system/files/package-file';
import { bundleManifestName } from '../bundle/read-bundle';
import { isShardName } from '../bundle/shard-folder';
import { checkpointsFolder } from '../cache-folder';
import { readPullRecord } from '../checkpoint/pull-record';
import { modelNameOf } from '../model-name';

/** The model that ships with the package. */
export const demoModelFolder = packageFile('models', 'demo');

export interface ResolvedModel {
  readonly dir: string;
  /** A bundle can be run; a checkpoint is prepared first. */
  readonly kind: 'checkpoint' | 'bundle';
  /** `demo`, the hub id, or the folder's name. */
  readonly name: string;
}

/** `ORG/NAME` and a revision: a branch, tag or commit. */
export interface HubReference {
  readonly id: string;
  readonly revision: string;
}

/** @returns undefined when the text does not have the form `ORG/NAME` or `ORG/NAME@REVISION` */
export function parseHubReference(text: string): HubReference | undefined {
  const match = /^((?!\.)[\w.-]+\/(?!\.)[\w.-]+)(?:@([\w.-]+(?:\/[\w.-]+)*))?$/.exec(text);
  if (!match?.[1] || text.split(/[/@]/).includes('..')) return undefined;
  return { id: match[1], revision: match[2] ?? 'main' };
}

/**
 * Finds the folder of a model: `demo`, a folder's path, or the id of a pulled model. A path is tried before an id.
 * @throws SmolvlmError `model-not-pulled`, `model-missing`, `model-unknown-folder`
 */
export async function resolveModel(model: string, checkpoints = checkpointsFolder()): Promise<ResolvedModel> {
  if (model === 'demo') return { dir: demoModelFolder, kind: 'checkpoint', name: 'demo' };
  const path = resolve(model.startsWith('~/') ? join(homedir(), model.slice(2)) : model);
  if (await isFolder(path)) return { dir: path, kind: await folderKind(path), name: await folderName(path) };
  const reference = parseHubReference(model);
  if (!reference) {
    throw new SmolvlmError(
      'model-missing',
      `expected a model, received "${model}": ${existsSync(path) ? 'it is not a folder' : 'the folder does not exist'}`,
      {
        hint: 'Give "demo", the folder of a checkpoint or bundle, or a hub id such as HuggingFaceTB/SmolVLM-256M-Instruct.',
      },
    );
  }
  const dir = await pulledFolder(reference, checkpoints);
  if (dir) return { dir, kind: await folderKind(dir), name: reference.id };
  throw new SmolvlmError('model-not-pulled', `the model ${model} is not on this machine`, {
    hint: `Download it first: smolvlm pull ${model}`,
  });
}

async function folderName(path: string): Promise<string> {
  const record = await readPullRecord(path).catch(() => undefined);
  return record?.id ?? modelNameOf(path);
}

/** The folder of one commit of a pulled model. */
export function commitFolder(id: string, commit: string, checkpoints = checkpointsFolder()): string {
  return join(checkpoints, id, commit);
}

/** The file with the commit of a branch or tag when it was last pulled. */
export function revisionFile({ id, revision }: HubReference, checkpoints = checkpointsFolder()): string {
  return join(checkpoints, id, 'refs', encodeURIComponent(revision));
}

async function pulledFolder(reference: HubReference, checkpoints: string): Promise<string | undefined> {
  const commit = await readFile(revisionFile(reference, checkpoints), 'utf8').catch(() => reference.revision);
  if (!/^[0-9a-f]{7,64}$/.test(commit.trim())) return undefined;
  const dir = commitFolder(reference.id, commit.trim(), checkpoints);
  return (await isFolder(dir)) ? dir : undefined;
}

/** @throws SmolvlmError `model-unknown-folder` */
export async function folderKind(dir: string): Promise<'checkpoint' | 'bundle'> {
  const names = await readdir(dir).catch((): string[] => []);
  if (names.includes(bundleManifestName) || names.some(isShardName)) return 'bundle';
  if (names.includes('config.json')) return 'checkpoint';
  throw new SmolvlmError('model-unknown-folder', `${dir} holds neither a checkpoint nor a bundle`, {
    hint: `Expected config.json and model.safetensors, ${bundleManifestName}, or shards (l0_attn.rknn …).`,
  });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
