import { defined } from '../../system/defined';
import { isJsonObject, JsonFields, type JsonObject } from '../../system/json/json-fields';
import { configFiles } from '../checkpoint/checkpoint';
import { singleWeightFile, weightIndexFile } from '../checkpoint/weight-files';
import { HubError, type HubSubject, statusError } from './hub-error';
import { hubFetch, StallGuard, withRetries } from './hub-request';
import type { HubSettings } from './hub-settings';
import type { HubReference } from './resolve-model';

/** Checksum of a file's content: SHA-256 for large files, git's blob hash (SHA-1) for small ones. */
export interface HubChecksum {
  readonly algorithm: 'sha256' | 'git-blob';
  readonly hex: string;
}

/** A file of a repository at one commit. */
export interface HubFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Absent when the hub gives none. */
  readonly checksum?: HubChecksum;
}

export interface HubListing {
  /** The commit that the revision stands for. */
  readonly commit: string;
  /** The files of a checkpoint that are needed, weights last. */
  readonly files: readonly HubFile[];
}

interface ListedFile {
  readonly name: string;
  readonly sizeBytes?: number;
  readonly checksum?: HubChecksum;
}

const shardName = /^model-\d+-of-\d+\.safetensors$/;

/** The path below the endpoint from which a file of a commit is fetched. */
export function resolvePath(id: string, commit: string, name: string): string {
  return `/${id}/resolve/${commit}/${encodeURIComponent(name)}`;
}

/** @throws HubError when the hub refuses, or the repository does not contain a checkpoint */
export async function listCheckpoint(
  settings: HubSettings,
  reference: HubReference,
  signal?: AbortSignal,
): Promise<HubListing> {
  const { id, revision } = reference;
  const path = `/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const json = await withRetries(settings, () => getJson(settings, path, reference, signal), signal);
  const fault = (message: string): HubError =>
    new HubError('hub-protocol', `${settings.endpoint}${path}: ${message}`);
  const fields = new JsonFields(json, fault);
  const commit = fields.string('sha');
  if (!/^[0-9a-f]{40}$/.test(commit)) throw fields.wrong('sha', 'a commit hash');
  const wanted = selectFiles(fields.objects('siblings').map(parseFile), reference);
  const files: HubFile[] = [];
  for (const { name, sizeBytes, checksum } of wanted) {
    files.push(
      sizeBytes === undefined
        ? await withRetries(settings, () => headFile(settings, id, commit, name, signal), signal)
        : { name, sizeBytes, ...defined({ checksum }) },
    );
  }
  return { commit, files };
}

function parseFile(fields: JsonFields): ListedFile {
  const name = fields.string('rfilename');
  const lfs = fields.has('lfs') ? fields.child('lfs') : undefined;
  const checksum = checksumOf(lfs ? lfs.raw('sha256') : fields.raw('blobId'));
  return {
    name,
    ...defined({ sizeBytes: fields.has('size') ? fields.index('size') : undefined, checksum }),
  };
}

/** Small files first, so that a repository of another family is recognised before its weights are fetched. */
function selectFiles(listed: readonly ListedFile[], { id, revision }: HubReference): readonly ListedFile[] {
  const byName = new Map(listed.map((file) => [file.name, file]));
  const pick = (name: string): ListedFile[] => [byName.get(name) ?? []].flat();
  const weights = byName.has(singleWeightFile)
    ? pick(singleWeightFile)
    : [...pick(weightIndexFile), ...listed.filter(({ name }) => shardName.test(name))];
  for (const needed of ['config.json', 'tokenizer.json', singleWeightFile]) {
    if (byName.has(needed) || (needed === singleWeightFile && byName.has(weightIndexFile))) continue;
    throw new HubError('hub-no-checkpoint', `${id} at ${revision} is not a checkpoint: it has no ${needed}`, {
      hint: 'Models in safetensors format are supported, e.g. HuggingFaceTB/SmolVLM-256M-Instruct.',
    });
  }
  return [...configFiles.flatMap(pick), ...weights];
}

/** For hubs whose listing has no sizes. */
async function headFile(
  settings: HubSettings,
  id: string,
  commit: string,
  name: string,
  signal?: AbortSignal,
): Promise<HubFile> {
  const path = resolvePath(id, commit, name);
  const guard = new StallGuard(settings, settings.endpoint, signal);
  try {
    const response = await hubFetch(settings, { method: 'HEAD', path, guard });
    if (response.status >= 400) throw statusError(response, subject(settings, id, `${name} of ${id}`));
    const { headers } = response;
    const size = headers.get('x-linked-size') ?? headers.get('content-length');
    if (size === null || !/^\d+$/.test(size)) {
      throw new HubError('hub-protocol', `${settings.endpoint}${path}: the hub's answer has no size`);
    }
    const checksum = checksumOf(headers.get('x-linked-etag') ?? headers.get('etag'));
    return { name, sizeBytes: Number(size), ...defined({ checksum }) };
  } finally {
    guard.stop();
  }
}

/** From an entity tag or a hash: 64 digits are a SHA-256, 40 a git blob's SHA-1. */
function checksumOf(tag: unknown): HubChecksum | undefined {
  if (typeof tag !== 'string') return undefined;
  const hex = tag.replace(/^W\//, '').replaceAll('"', '');
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  if (/^[0-9a-f]{40}$/.test(hex)) return { algorithm: 'git-blob', hex };
  return undefined;
}

async function getJson(
  settings: HubSettings,
  path: string,
  { id, revision }: HubReference,
  signal?: AbortSignal,
): Promise<JsonObject> {
  const guard = new StallGuard(settings, settings.endpoint, signal);
  try {
    const response = await hubFetch(settings, { path, guard });
    if (!response.ok) throw statusError(response, subject(settings, id, `${id} at ${revision}`));
    const json: unknown = await response.json().catch(() => undefined);
    if (isJsonObject(json)) return json;
    throw new HubError('hub-protocol', `${settings.endpoint}${path}: expected a JSON object`, {
      hint: 'HF_ENDPOINT must be the address of a Hugging Face hub or of a mirror of one.',
    });
  } finally {
    guard.stop();
  }
}

export function subject({ endpoint, token }: HubSettings, id: string, name: string): HubSubject {
  return { name, page: `${endpoint}/${id}`, withToken: token !== undefined };
}
