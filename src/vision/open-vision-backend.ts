import { OnnxVisionBackend } from '../backends/onnxruntime/onnx-vision-backend';
import type { SessionSettings } from '../backends/onnxruntime/session-options';
import type { VisionBackend } from '../backends/stage-runner';
import { SmolvlmError } from '../errors';
import type { Bundle } from '../model/read-bundle';

export type { VisionBackend };

/** The backend that runs a bundle's stages. @throws SmolvlmError `backend-npu` for a bundle of another device */
export async function openVisionBackend(bundle: Bundle, settings: SessionSettings): Promise<VisionBackend> {
  const { target } = bundle.manifest;
  if (target === 'cpu') return OnnxVisionBackend.load(settings);
  throw new SmolvlmError(
    'backend-npu',
    `${bundle.dir} is made for ${target}, but this engine runs on the CPU only`,
    {
      hint: 'Give the checkpoint instead: it is prepared for the CPU.',
    },
  );
}
