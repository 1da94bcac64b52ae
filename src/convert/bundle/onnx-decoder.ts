import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { bundleFile } from '../../model/bundle/bundle-file';
import type { BundleDecoder } from '../../model/bundle/bundle-manifest';
import { decoderGraph } from '../../onnx/decoder/decoder-graph';
import { equalisedDecoder } from '../../onnx/decoder/equalised-decoder';
import { writeModel } from '../../onnx/write-model';
import type { DecoderWriter } from './bundle-build';

/** Writes the decoder for onnxruntime: `decoder.onnx` and its weights. */
export const writeOnnxDecoder: DecoderWriter = async (dir, checkpoint, precision, control) => {
  if (precision === 'fp16') {
    throw new SmolvlmError(
      'decoder-precision',
      'expected float32, int8 or int4 for the CPU decoder, received fp16',
    );
  }
  const { text, tieWordEmbeddings } = checkpoint.config;
  const { tensors } = checkpoint;
  const source = precision === 'float32' ? tensors : await equalisedDecoder(tensors, text, precision);
  const graph = decoderGraph(text, tieWordEmbeddings, source, precision);
  const written = await writeModel(graph, join(dir, 'decoder.onnx'), control);
  const files = [written.model, ...(written.data ? [written.data] : [])].map(bundleFile);
  const entry: BundleDecoder = { format: 'onnx', precision, files };
  return { files, entry };
};
