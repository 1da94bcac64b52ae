import type { DecoderRunner } from '../backends/decoder-runner';
import { OnnxDecoderRunner, type OnnxDecoderSettings } from '../backends/onnxruntime/onnx-decoder-runner';
import { SmolvlmError } from '../errors';
import { verifyBundleFile } from '../model/bundle/bundle-file';
import type { Bundle } from '../model/bundle/read-bundle';
import type { TextConfig } from '../model/checkpoint/model-config';

export type { DecoderRunner };

/** Opens a bundle's decoder, its files checked first. @throws SmolvlmError `bundle-no-decoder`, `decoder-load` */
export async function openDecoder(
  { dir, manifest }: Bundle,
  text: TextConfig,
  settings: OnnxDecoderSettings,
): Promise<DecoderRunner> {
  const { decoder } = manifest;
  if (decoder?.format !== 'onnx') {
    throw new SmolvlmError('bundle-no-decoder', `${dir} has no decoder for the CPU`, {
      hint: 'Give the checkpoint itself: its decoder is prepared for this machine.',
    });
  }
  for (const file of decoder.files) await verifyBundleFile(dir, file);
  return OnnxDecoderRunner.open(dir, decoder, text, settings);
}
