import { posix } from 'node:path';
import { JsonFields, parseJsonObject } from '../../system/json-fields';
import { BundleError } from './bundle-file';
import type {
  BundleConversion,
  BundleDecoder,
  BundleFile,
  BundleManifest,
  BundleStage,
  Precision,
  TensorSpec,
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
    target: fields.oneOf('target', ['cpu', 'rk3588', 'rk3576']),
    ...(fields.has('toolkitVersion') && { toolkitVersion: fields.string('toolkitVersion') }),
    ...(fields.has('conversion') && { conversion: conversion(fields.child('conversion')) }),
    residualScale: fields.positive('residualScale'),
    stages: stages(fields, 'stages'),
    ...(fields.has('cpuStages') && { cpuStages: stages(fields, 'cpuStages') }),
    ...(fields.has('hostGraphs') && { hostGraphs: hostGraphs(fields.child('hostGraphs')) }),
    host: file(fields.child('host')),
    ...(fields.has('decoder') && { decoder: decoder(fields.child('decoder')) }),
    ...(fields.has('npuDecoder') && { npuDecoder: decoder(fields.child('npuDecoder')) }),
    configs: fields.objects('configs').map(file),
    ...(fields.has('validation') && { validation: file(fields.child('validation')) }),
    created: fields.string('created'),
  };
}

function stages(manifest: JsonFields, name: 'stages' | 'cpuStages'): readonly BundleStage[] {
  const parsed = manifest.objects(name).map(stage);
  if (parsed.length === 0) throw manifest.wrong(name, 'at least one stage');
  const names = parsed.map((each) => each.name);
  if (new Set(names).size < names.length) throw manifest.wrong(name, 'stages of different names');
  return parsed;
}

function stage(fields: JsonFields): BundleStage {
  return {
    name: fields.string('name'),
    file: file(fields.child('file')),
    ...(fields.has('data') && { data: file(fields.child('data')) }),
    precision: fields.oneOf('precision', precisions),
    ...(fields.has('core') && { core: fields.index('core') }),
    input: tensor(fields.child('input')),
    output: tensor(fields.child('output')),
    ...(fields.has('cosine') && { cosine: fields.finite('cosine') }),
    ...(fields.has('accumulatedCosine') && { accumulatedCosine: fields.finite('accumulatedCosine') }),
    ...(fields.has('buildSeconds') && { buildSeconds: fields.finite('buildSeconds') }),
  };
}

function conversion(fields: JsonFields): BundleConversion {
  return {
    granularity: fields.oneOf('granularity', ['half-layer', 'layer', 'tower']),
    queryRows: fields.index('queryRows'),
    precision: fields.oneOf('precision', ['fp16', 'hybrid', 'auto']),
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
    throw fields.wrong('shape', 'whole sizes above 0');
  }
  return {
    name: fields.string('name'),
    dtype: fields.oneOf('dtype', ['float32', 'float16', 'uint8']),
    shape,
  };
}

function file(fields: JsonFields): BundleFile {
  const path = fields.string('path');
  // A manifest may come from elsewhere: it must not name files outside its own folder.
  const inside = !posix.isAbsolute(path) && !/[\\\0]/.test(path) && !path.split('/').includes('..');
  if (!inside) throw fields.wrong('path', 'a path inside the bundle');
  return { path, sha256: sha256(fields), sizeBytes: fields.index('sizeBytes') };
}

function sha256(fields: JsonFields, name = 'sha256'): string {
  const value = fields.string(name);
  if (!/^[0-9a-f]{64}$/.test(value)) throw fields.wrong(name, '64 hexadecimal digits');
  return value;
}
