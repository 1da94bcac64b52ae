import { join } from 'node:path';
import { bundleFile } from '../../model/bundle/bundle-file';
import type { BundleStage, TensorSpec } from '../../model/bundle/bundle-manifest';
import type { TensorSource } from '../../model/safetensors/tensor-source';
import type { LinearPrecision } from '../../onnx/cpu-linear';
import { GraphError, type OnnxGraph, type ValueInfo } from '../../onnx/graph-builder';
import { cpuProjection } from '../../onnx/vision/cpu-host-graphs';
import { cpuVisionStage, type VisionGraphShape } from '../../onnx/vision/cpu-vision-stage';
import type { VisionStagePlan } from '../../onnx/vision/vision-stages';
import { type WriteModelOptions, writeModel } from '../../onnx/write-model';
import { defined } from '../../system/defined';
import type { BundlePart } from './bundle-folder';

/** Writes one stage of the tower for onnxruntime into a bundle's folder. */
export async function writeCpuVisionStage(
  dir: string,
  plan: VisionStagePlan,
  shape: VisionGraphShape,
  source: TensorSource,
  precision: LinearPrecision,
  options: WriteModelOptions = {},
): Promise<BundlePart<BundleStage>> {
  const graph = cpuVisionStage(plan.name, plan.halves, shape, source, precision);
  return writeStage(dir, plan.name, graph, precision, options);
}

/** Writes one of the host's two projections. @param tensor e.g. `connector.modality_projection.proj` */
export async function writeCpuProjection(
  dir: string,
  name: string,
  tensor: string,
  rows: number,
  source: TensorSource,
  options: WriteModelOptions & { readonly bias: boolean },
): Promise<BundlePart<BundleStage>> {
  const graph = cpuProjection(source, tensor, rows, options.bias);
  return writeStage(dir, name, graph, 'float32', options);
}

async function writeStage(
  dir: string,
  name: string,
  graph: OnnxGraph,
  precision: LinearPrecision,
  options: WriteModelOptions,
): Promise<BundlePart<BundleStage>> {
  const started = performance.now();
  const written = await writeModel(graph, join(dir, `${name}.onnx`), options);
  const file = bundleFile(written.model);
  const data = written.data && bundleFile(written.data);
  const entry: BundleStage = {
    name,
    file,
    ...defined({ data }),
    precision,
    input: tensorSpec(graph.inputs[0]),
    output: tensorSpec(graph.outputs[0]),
    buildSeconds: Math.round(performance.now() - started) / 1000,
  };
  return { files: data ? [file, data] : [file], entry };
}

function tensorSpec(value: ValueInfo | undefined): TensorSpec {
  const shape = value?.shape.filter((size): size is number => typeof size === 'number');
  if (value?.dtype !== 'float32' || shape?.length !== value.shape.length) {
    throw new GraphError(
      'onnx-stage-contract',
      'the input and output of a stage must be float32 of a fixed shape',
    );
  }
  return { name: value.name, dtype: value.dtype, shape };
}
