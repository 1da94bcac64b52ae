import { defaultBounds } from '../../../convert/npu/npu-stage-part';
import { validateBundle } from '../../../convert/validate/validate-bundle';
import type { Bundle } from '../../../model/bundle/read-bundle';
import { openVisionBackend } from '../../../vision/open-vision-backend';
import type { CommandIo } from '../../command';
import { validationDocument } from '../../validate';

/** `smolvlm validate --backend npu`. */
export async function boardValidation(bundle: Bundle, { signal }: CommandIo): Promise<unknown> {
  const backend = await openVisionBackend(bundle);
  try {
    return validationDocument(await validateBundle(bundle, backend, defaultBounds, { signal }));
  } finally {
    await backend.close();
  }
}
