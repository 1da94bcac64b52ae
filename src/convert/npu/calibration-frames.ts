import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { fileSha256 } from '../../system/files/file-checksum';
import { packageFile } from '../../system/files/package-file';

/** The frames that ship with the package. */
const demoFramesFolder = packageFile('models', 'demo-frames');

/** Each frame's activations of a 256M model take 75 MB on disk, and the toolkit reads all of them for every stage. */
const mostFrames = 8;

const pictureTypes = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/** Pictures for a conversion: some for the INT8 ranges, another for the reference. */
export interface CalibrationFrames {
  /** Paths. */
  readonly calibration: readonly string[];
  /** Not used for calibration if the folder has more than one picture. */
  readonly validation: string;
  /** Of the contents of all of them. */
  readonly sha256: string;
}

/**
 * Chooses frames from a folder, evenly spaced over its pictures in the order of their names.
 * @throws SmolvlmError `convert-calibration` when there is none
 */
export async function chooseFrames(folder = demoFramesFolder): Promise<CalibrationFrames> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw noFrames(folder, 'cannot be read', cause);
  });
  const pictures = names.filter((name) => pictureTypes.has(extname(name).toLowerCase())).sort();
  const last = pictures.at(-1);
  if (last === undefined) throw noFrames(folder, 'contains no pictures');
  const others = pictures.length === 1 ? pictures : pictures.slice(0, -1);
  const chosen = spread(others, mostFrames).map((name) => join(folder, name));
  const validation = join(folder, last);
  const hash = createHash('sha256');
  for (const path of [...chosen, validation]) hash.update(await fileSha256(path));
  return { calibration: chosen, validation, sha256: hash.digest('hex') };
}

/** @returns at most `count` of the names, at even distances */
function spread(names: readonly string[], count: number): readonly string[] {
  if (names.length <= count) return names;
  return Array.from({ length: count }, (_, index) => names[Math.floor((index * names.length) / count)] ?? '');
}

function noFrames(folder: string, what: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('convert-calibration', `${folder} ${what}; calibration needs camera frames`, {
    hint: `Give a folder of pictures (${[...pictureTypes].join(' ')}): a dozen ordinary frames of your cameras.`,
    cause,
  });
}
