import { defaultBounds } from '../../../convert/npu/npu-stage-part';
import { validateBundle } from '../../../convert/validate/validate-bundle';
import type { Bundle } from '../../../model/bundle/read-bundle';
import type { Settings } from '../../../system/settings';
import { npuAccess, openVisionBackend } from '../../../vision/open-vision-backend';
import type { CommandIo } from '../../command/command';
import { validationDocument } from '../../validate';

/** `smolvlm validate --backend npu`. */
export async function boardValidation(
  bundle: Bundle,
  { signal }: CommandIo,
  { npu }: Settings,
): Promise<unknown> {
  const backend = await openVisionBackend(bundle, { npu: npuAccess(npu) });
  try {
    return validationDocument(await validateBundle(bundle, backend, defaultBounds, { signal }));
  } finally {
    await backend.close();
  }
}
