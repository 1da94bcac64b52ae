import { SmolvlmError } from '../../errors';
import { readPicture } from '../../picture/picture-source';
import { snapshotAddress } from '../frigate/frigate';
import type { PictureMemory } from '../picture-memory';
import type { ServiceSettings } from '../service-settings';
import type { CameraRequest } from './camera-request';

/**
 * The picture of a request: the one in its payload, otherwise the tracked object's from Frigate, otherwise the camera's
 * snapshot, otherwise the camera's last picture.
 * @throws SmolvlmError `mqtt-no-picture`, `mqtt-address-refused`, and what reading a picture throws
 */
export async function requestPicture(
  { camera, payload, frigate }: CameraRequest,
  settings: ServiceSettings,
  memory: PictureMemory,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { picture } = payload;
  if (picture !== undefined) {
    if (typeof picture === 'string' && !picture.startsWith('data:')) checkAddresses(settings);
    return readPicture(picture, undefined, signal);
  }
  const frigateUrl = settings.frigate?.url;
  if (frigate && frigateUrl) return readPicture(snapshotAddress(frigateUrl, frigate.id), undefined, signal);
  const address = settings.cameras.find(({ name }) => name === camera)?.snapshot;
  if (address) return readPicture(address.href, undefined, signal);
  const last = memory.get(camera);
  if (last) return last;
  throw new SmolvlmError(
    'mqtt-no-picture',
    `the request has no picture, and camera "${camera}" has not sent one yet`,
    {
      hint: "Send the picture's bytes, or give the camera a snapshot address.",
    },
  );
}

function checkAddresses({ allowAddresses }: ServiceSettings): void {
  if (allowAddresses) return;
  throw new SmolvlmError('mqtt-address-refused', 'requests may not name addresses to fetch pictures from', {
    hint: 'Send the bytes, give the camera a snapshot address, or allow addresses in requests.',
  });
}
