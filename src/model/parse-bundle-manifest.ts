import { posix } from 'node:path';
import { BundleError } from './bundle-file';
import type { BundleManifest } from './bundle-manifest';

type Json = Readonly<Record<string, unknown>>;

const sha256Pattern = /^[0-9a-f]{64}$/;
const dtypes: readonly unknown[] = ['float32', 'float16', 'uint8'];
const precisions: readonly unknown[] = ['float32', 'fp16', 'int8', 'int4'];
const targets: readonly unknown[] = ['cpu', 'rk3588', 'rk3576'];

/**
 * Checks a manifest's text field by field.
 * @param path named in errors @throws BundleError `bundle-manifest-invalid` with the field, `bundle-schema` for another version
 */
export function parseBundleManifest(text: string, path: string): BundleManifest {
  return new ManifestParser(path).parse(text);
}

class ManifestParser {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  parse(text: string): BundleManifest {
    const root = this.#object(this.#json(text), 'the manifest');
    if (root.schemaVersion !== 1) {
      throw new BundleError(
        'bundle-schema',
        `${this.#path}: expected schemaVersion 1, found ${JSON.stringify(root.schemaVersion)}`,
        { hint: 'The bundle was made by another version of this package: prepare it again.' },
      );
    }
    const model = this.#object(root.model, 'model');
    this.#text(model.id, 'model.id');
    this.#check(sha256Pattern.test(String(model.sha256)), 'model.sha256', 'a SHA-256', model.sha256);
    this.#check(targets.includes(root.target), 'target', targets.join(', '), root.target);
    this.#check(positive(root.residualScale), 'residualScale', 'a positive number', root.residualScale);
    this.#stages(root.stages);
    if (root.hostGraphs !== undefined) {
      const graphs = this.#object(root.hostGraphs, 'hostGraphs');
      this.#stage(graphs.patchProjection, 'hostGraphs.patchProjection');
      this.#stage(graphs.connectorProjection, 'hostGraphs.connectorProjection');
    }
    this.#file(root.host, 'host');
    if (root.decoder !== undefined) this.#decoder(root.decoder);
    this.#files(root.configs, 'configs');
    if (root.validation !== undefined) this.#file(root.validation, 'validation');
    this.#text(root.created, 'created');
    return root as unknown as BundleManifest;
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new BundleError('bundle-manifest-invalid', `${this.#path} is not JSON`, { cause });
    }
  }

  #stages(value: unknown): void {
    const stages = this.#array(value, 'stages');
    this.#check(stages.length > 0, 'stages', 'at least one stage', value);
    const names = new Set<unknown>();
    for (const [index, stage] of stages.entries()) {
      const { name } = this.#stage(stage, `stages[${index}]`);
      this.#check(!names.has(name), `stages[${index}].name`, 'a name of its own', name);
      names.add(name);
    }
  }

  #stage(value: unknown, field: string): Json {
    const stage = this.#object(value, field);
    this.#text(stage.name, `${field}.name`);
    this.#file(stage.file, `${field}.file`);
    if (stage.data !== undefined) this.#file(stage.data, `${field}.data`);
    this.#check(
      precisions.includes(stage.precision),
      `${field}.precision`,
      precisions.join(', '),
      stage.precision,
    );
    if (stage.core !== undefined) {
      this.#check(count(stage.core), `${field}.core`, 'a core’s index', stage.core);
    }
    this.#tensor(stage.input, `${field}.input`);
    this.#tensor(stage.output, `${field}.output`);
    return stage;
  }

  #tensor(value: unknown, field: string): void {
    const tensor = this.#object(value, field);
    this.#text(tensor.name, `${field}.name`);
    this.#check(dtypes.includes(tensor.dtype), `${field}.dtype`, dtypes.join(', '), tensor.dtype);
    const shape = this.#array(tensor.shape, `${field}.shape`);
    this.#check(
      shape.every((size) => count(size) && size > 0),
      `${field}.shape`,
      'positive sizes',
      shape,
    );
  }

  #decoder(value: unknown): void {
    const decoder = this.#object(value, 'decoder');
    const formats: readonly unknown[] = ['onnx', 'rkllm'];
    this.#check(formats.includes(decoder.format), 'decoder.format', formats.join(', '), decoder.format);
    this.#check(
      precisions.includes(decoder.precision),
      'decoder.precision',
      precisions.join(', '),
      decoder.precision,
    );
    this.#files(decoder.files, 'decoder.files');
  }

  #files(value: unknown, field: string): void {
    for (const [index, file] of this.#array(value, field).entries()) this.#file(file, `${field}[${index}]`);
  }

  #file(value: unknown, field: string): void {
    const file = this.#object(value, field);
    const inside =
      typeof file.path === 'string' &&
      file.path !== '' &&
      !posix.isAbsolute(file.path) &&
      !/\\|^\.\.?(\/|$)|\/\.\.?(\/|$)/.test(file.path);
    this.#check(inside, `${field}.path`, 'a path inside the bundle', file.path);
    this.#check(sha256Pattern.test(String(file.sha256)), `${field}.sha256`, 'a SHA-256', file.sha256);
    this.#check(count(file.sizeBytes), `${field}.sizeBytes`, 'a size in bytes', file.sizeBytes);
  }

  #object(value: unknown, field: string): Json {
    this.#check(
      typeof value === 'object' && value !== null && !Array.isArray(value),
      field,
      'an object',
      value,
    );
    return value as Json;
  }

  #array(value: unknown, field: string): readonly unknown[] {
    this.#check(Array.isArray(value), field, 'a list', value);
    return value as readonly unknown[];
  }

  #text(value: unknown, field: string): void {
    this.#check(typeof value === 'string' && value !== '', field, 'a text', value);
  }

  #check(right: boolean, field: string, expected: string, found: unknown): void {
    if (right) return;
    const shown = JSON.stringify(found)?.slice(0, 80) ?? 'nothing';
    throw new BundleError(
      'bundle-manifest-invalid',
      `${this.#path}: ${field}: expected ${expected}, found ${shown}`,
      { hint: 'Prepare or copy the bundle again.' },
    );
  }
}

function positive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function count(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
