import { OnnxVisionBackend } from '../backends/onnxruntime/onnx-vision-backend';
import type { SessionSettings } from '../backends/onnxruntime/session-options';
import { npuAccess, type RknnSettings, RknnVisionBackend } from '../backends/rknn/rknn-vision-backend';
import type { VisionBackend } from '../backends/stage-runner';
import type { Bundle } from '../model/bundle/read-bundle';

export type { RknnSettings, VisionBackend };
export { npuAccess };

export interface VisionBackendSettings extends SessionSettings {
  readonly npu?: RknnSettings;
}

/**
 * The backend that runs a bundle's stages: the CPU's, or this machine's NPU.
 * @throws SmolvlmError `backend-npu-target` for a bundle of another chip; `backend-rknn-library`, `npu-busy`
 */
export async function openVisionBackend(
  { manifest }: Bundle,
  { npu, ...settings }: VisionBackendSettings = {},
): Promise<VisionBackend> {
  const { target } = manifest;
  if (target === 'cpu') return OnnxVisionBackend.load(settings);
  return RknnVisionBackend.load({ ...npu, target });
}

/**
 * A backend for the host graphs of a bundle whose stages run on the NPU: onnxruntime, if it can be loaded.
 * @returns undefined if it cannot; the host's products are then computed in JavaScript
 */
export async function openHostBackend(settings: SessionSettings = {}): Promise<VisionBackend | undefined> {
  return OnnxVisionBackend.load(settings).catch(() => undefined);
}
