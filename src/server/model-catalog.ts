import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SmolvlmError } from '../errors';
import { checkpointsFolder } from '../model/cache-folder';
import { parseHubReference, resolveModel } from '../model/hub/resolve-model';

export interface ModelCatalogOptions {
  /** As the command line spells it: `demo`, a folder's path or a hub id. */
  readonly defaultModel?: string;
  /** Other names of models, as the command line gives them. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Models in memory, as their requests spell them. */
  readonly loaded: () => readonly string[];
  /** Folder of pulled checkpoints. */
  readonly checkpoints?: string;
}

/** A model that a network client may name. */
export interface NamedModel {
  /** The name that clients see: never a path. */
  readonly id: string;
  /** What the inference thread opens; absent for the engine's default. */
  readonly model?: string;
}

/**
 * The models that clients on the network can name: the served one, aliases, the demo model, and checkpoints that were
 * pulled to this machine. No name is ever read as a path.
 */
export class ModelCatalog {
  readonly #options: ModelCatalogOptions;
  readonly #aliases: ReadonlyMap<string, string>;

  constructor(options: ModelCatalogOptions) {
    this.#options = options;
    this.#aliases = options.aliases ?? new Map();
  }

  /** The served model: the engine's default, else the one that was used last. */
  get served(): NamedModel | undefined {
    const { defaultModel, loaded } = this.#options;
    if (defaultModel !== undefined) return { id: modelId(defaultModel) };
    const last = loaded().at(-1);
    return last === undefined ? undefined : { id: modelId(last), model: last };
  }

  /** Ids and aliases, the served model first. */
  async names(): Promise<string[]> {
    const served = this.served;
    const loaded = this.#options.loaded().map(modelId);
    const pulled = await pulledIds(this.#checkpoints);
    return [...new Set([...(served ? [served.id] : []), ...this.#aliases.keys(), ...loaded, ...pulled])];
  }

  /**
   * @param name absent, null or empty: the served model
   * @throws SmolvlmError `model-not-found`, `model-not-pulled`
   */
  async find(name: string | null | undefined): Promise<NamedModel> {
    const { defaultModel, loaded } = this.#options;
    const served = this.served;
    if (!name) {
      if (served) return served;
      throw new SmolvlmError('model-not-found', 'the request names no model, and this engine serves none', {
        hint: 'Start the engine with --model.',
      });
    }
    if (served && (name === served.id || name === defaultModel)) return served;
    const alias = this.#aliases.get(name);
    if (alias !== undefined) return alias === defaultModel ? { id: name } : { id: name, model: alias };
    const open = loaded().find((model) => modelId(model) === name);
    if (open !== undefined) return { id: name, model: open };
    if (name === 'demo') return { id: name, model: name };
    if (parseHubReference(name)) {
      const folder = await pulledFolder(name, this.#checkpoints);
      if (folder !== undefined) return { id: name, model: folder };
      throw new SmolvlmError('model-not-pulled', `the model ${name} is not on the engine's machine`, {
        hint: `Fetch it in the dialog of its engine node, or there: smolvlm pull ${name}`,
      });
    }
    throw new SmolvlmError('model-not-found', `the model "${name.slice(0, 100)}" does not exist`, {
      hint: 'GET /v1/models lists the models of this engine. Start it with --alias NAME to give its model another name.',
    });
  }

  get #checkpoints(): string {
    return this.#options.checkpoints ?? checkpointsFolder();
  }
}

/** The last part of a path, `ORG/NAME` of a hub id, else the name itself. */
export function modelId(model: string): string {
  return parseHubReference(model)?.id ?? (basename(model) || model);
}

/** The folder of a pulled checkpoint; a folder of that name in the working directory is not looked for. */
async function pulledFolder(name: string, checkpoints: string): Promise<string | undefined> {
  const { dir } = await resolveModel(name, checkpoints).catch(() => ({ dir: undefined }));
  return dir?.startsWith(`${checkpoints}/`) ? dir : undefined;
}

async function pulledIds(checkpoints: string): Promise<string[]> {
  const folders = (dir: string): Promise<string[]> =>
    readdir(dir, { withFileTypes: true }).then(
      (entries) => entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      () => [],
    );
  const ids: string[] = [];
  for (const organisation of await folders(checkpoints)) {
    for (const name of await folders(join(checkpoints, organisation))) ids.push(`${organisation}/${name}`);
  }
  return ids.sort();
}
