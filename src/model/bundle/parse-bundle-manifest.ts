import { posix } from 'node:path';
import { bundleTargets, npuPrecisions } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import { JsonFields, parseJsonObject } from '../../system/json/json-fields';
import { BundleError } from './bundle-file';
import {
  type BundleConversion,
  type BundleDecoder,
  type BundleFile,
  type BundleManifest,
  type BundleStage,
  type Precision,
  type TensorSpec,
  visionGranularities,
} from './bundle-manifest';

const precisions: readonly Precision[] = ['float32', 'fp16', 'int8', 'int4'];

/**
 * Checks a manifest's text field by field.
 * @param where named in errors
 * @throws BundleError `bundle-manifest-invalid` with the field and value, `bundle-schema` for another version
 */
export function parseBundleManifest(text: string, where: string): BundleManifest {
  const fault = (message: string): BundleError =>
    new BundleError('bundle-manifest-invalid', `${where}: ${message}`, {
      hint: 'Prepare or copy the bundle again.',
    });
  const fields = new JsonFields(parseJsonObject(text, fault), fault);
  if (fields.raw('schemaVersion') !== 1) {
    throw new BundleError(
      'bundle-schema',
      `${where}: expected schemaVersion 1, received ${JSON.stringify(fields.raw('schemaVersion'))}`,
      { hint: 'The bundle was made by another version of this package: prepare it again.' },
    );
  }
  const model = fields.child('model');
  return {
    schemaVersion: 1,
    model: { id: model.string('id'), sha256: sha256(model) },
    target: fields.oneOf('target', bundleTargets),
    ...defined({
      toolkitVersion: fields.optional('toolkitVersion', (key) => fields.string(key)),
      conversion: fields.optional('conversion', (key) => conversion(fields.child(key))),
    }),
    residualScale: fields.positive('residualScale'),
    stages: stages(fields, 'stages'),
    ...defined({
      cpuStages: fields.optional('cpuStages', (key) => stages(fields, key)),
      hostGraphs: fields.optional('hostGraphs', (key) => hostGraphs(fields.child(key))),
    }),
    host: file(fields.child('host')),
    ...defined({
      decoder: fields.optional('decoder', (key) => decoder(fields.child(key))),
      npuDecoder: fields.optional('npuDecoder', (key) => decoder(fields.child(key))),
    }),
    configs: fields.objects('configs').map(file),
    ...defined({ validation: fields.optional('validation', (key) => file(fields.child(key))) }),
    created: fields.string('created'),
  };
}

function stages(manifest: JsonFields, name: string): readonly BundleStage[] {
  const parsed = manifest.objects(name).map(stage);
  if (parsed.length === 0) throw manifest.wrong(name, 'at least one stage');
  const names = parsed.map((each) => each.name);
  if (new Set(names).size < names.length) throw manifest.wrong(name, 'stages with different names');
  return parsed;
}

function stage(fields: JsonFields): BundleStage {
  return {
    name: fields.string('name'),
    file: file(fields.child('file')),
    ...defined({ data: fields.optional('data', (key) => file(fields.child(key))) }),
    precision: fields.oneOf('precision', precisions),
    ...defined({ core: fields.optional('core', (key) => fields.index(key)) }),
    input: tensor(fields.child('input')),
    output: tensor(fields.child('output')),
    ...defined({
      cosine: fields.optional('cosine', (key) => fields.finite(key)),
      accumulatedCosine: fields.optional('accumulatedCosine', (key) => fields.finite(key)),
      buildSeconds: fields.optional('buildSeconds', (key) => fields.finite(key)),
    }),
  };
}

function conversion(fields: JsonFields): BundleConversion {
  return {
    granularity: fields.oneOf('granularity', visionGranularities),
    queryRows: fields.index('queryRows'),
    precision: fields.oneOf('precision', npuPrecisions),
    calibrationFrames: fields.index('calibrationFrames'),
    framesSha256: sha256(fields, 'framesSha256'),
  };
}

function hostGraphs(fields: JsonFields): NonNullable<BundleManifest['hostGraphs']> {
  return {
    patchProjection: stage(fields.child('patchProjection')),
    connectorProjection: stage(fields.child('connectorProjection')),
  };
}

function decoder(fields: JsonFields): BundleDecoder {
  return {
    format: fields.oneOf('format', ['onnx', 'rkllm']),
    precision: fields.oneOf('precision', precisions),
    files: fields.objects('files').map(file),
  };
}

function tensor(fields: JsonFields): TensorSpec {
  const shape = fields.numbers('shape');
  if (!shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw fields.wrong('shape', 'whole numbers above 0');
  }
  return {
    name: fields.string('name'),
    dtype: fields.oneOf('dtype', ['float32', 'float16', 'uint8']),
    shape,
  };
}

function file(fields: JsonFields): BundleFile {
  const path = fields.string('path');
  // A manifest may come from another machine: it must not refer to files outside of its folder.
  const inside = !posix.isAbsolute(path) && !/[\\\0]/.test(path) && !path.split('/').includes('..');
  if (!inside) throw fields.wrong('path', 'a path inside the bundle');
  return { path, sha256: sha256(fields), sizeBytes: fields.index('sizeBytes') };
}

function sha256(fields: JsonFields, name = 'sha256'): string {
  const value = fields.string(name);
  if (!/^[0-9a-f]{64}$/.test(value)) throw fields.wrong(name, '64 hexadecimal digits');
  return value;
}
