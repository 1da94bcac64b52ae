import { join } from 'node:path';
import { RkllmDecoder, type RkllmSettings } from '../backends/rkllm/rkllm-decoder';
import { SmolvlmError } from '../errors';
import { verifyBundleFile } from '../model/bundle/bundle-file';
import type { Bundle } from '../model/bundle/read-bundle';

export type { RkllmDecoder, RkllmSettings };

/** Opens a bundle's decoder for the NPU, its file checked first. @throws SmolvlmError `bundle-no-decoder`; see `RkllmDecoder.open` */
export async function openNpuDecoder(
  { dir, manifest }: Bundle,
  settings: RkllmSettings,
): Promise<RkllmDecoder> {
  const [file] = manifest.npuDecoder?.files ?? [];
  if (manifest.npuDecoder?.format !== 'rkllm' || !file) {
    throw new SmolvlmError('bundle-no-decoder', `${dir} has no decoder for the NPU`, {
      hint: 'Convert it with the vendor’s rkllm-toolkit (--rkllm-python), or choose the decoder "cpu".',
    });
  }
  await verifyBundleFile(dir, file);
  return RkllmDecoder.open(join(dir, file.path), settings);
}
