import { writeOnnxDecoder } from '../../convert/bundle/onnx-decoder';
import { preparedBundle } from '../../convert/bundle/prepared-bundle';
import { withReference } from '../../convert/npu/bundle-reference';
import { chooseFrames } from '../../convert/npu/calibration-frames';
import { type Bundle, readBundle } from '../../model/bundle/read-bundle';
import { bundlesFolder, checkpointsFolder } from '../../model/cache-folder';
import { resolveModel } from '../../model/hub/resolve-model';
import { defined } from '../../system/defined';
import type { Settings } from '../../system/settings';
import { type CommandIo, type OptionValues, optionalString } from '../command/command';

/** Opens a bundle. A folder of shards is completed, in the cache, from its checkpoint (`--checkpoint`) and a reference. */
export async function bundleWithReference(
  dir: string,
  values: OptionValues,
  io: CommandIo,
  { cacheDir }: Settings,
): Promise<Bundle> {
  const found = await readBundle(dir);
  if (found.manifest.host) return found;
  const given = optionalString(values, 'checkpoint');
  const checkpoint =
    given === undefined ? undefined : (await resolveModel(given, checkpointsFolder(cacheDir))).dir;
  const frames = await chooseFrames(optionalString(values, 'calibration'));
  return preparedBundle(
    dir,
    {
      visionPrecision: 'int8',
      decoder: { precision: 'int8', write: writeOnnxDecoder },
      reference: (opened) => withReference(opened, frames, io.signal),
      ...defined({ checkpoint }),
    },
    {
      bundlesDir: bundlesFolder(cacheDir),
      signal: io.signal,
      onProgress: ({ part, done, total }) => io.progress({ step: part, done, total }),
    },
  );
}
