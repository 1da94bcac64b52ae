import { createHash } from 'node:crypto';
import { SmolvlmError } from '../../errors';
import type { PicturePool } from '../../image/pool/picture-pool';
import { isLargePicture } from '../../image/pool/picture-size';
import type { PictureOptions, PreparedPicture } from '../../image/pool/prepare-picture';
import { defined } from '../../system/defined';
import type { TimedHooks } from '../phase-timer';

export interface PreparePicturesOptions extends PictureOptions {
  readonly priority: number;
}

/** A picture that can be prepared again, for tiles that were not needed at first. */
export interface FramePicture extends PreparedPicture {
  again(): Promise<PreparedPicture>;
}

/**
 * Prepares every picture of a request in the pool. While a large one waits or is prepared, other frames may run.
 * @throws ImageError; the signal's reason when aborted
 */
export async function preparePictures(
  pool: PicturePool,
  pictures: readonly Uint8Array[],
  { priority, thumbnailSide, ...options }: PreparePicturesOptions,
  { signal, aside, timer }: Pick<TimedHooks, 'signal' | 'aside' | 'timer'>,
): Promise<FramePicture[]> {
  const large = await Promise.all(pictures.map(isLargePicture));
  const prepare = async (): Promise<FramePicture[]> => {
    const prepared: FramePicture[] = [];
    for (const [index, bytes] of pictures.entries()) {
      const task = { large: large[index] ?? false, priority, signal };
      const first = index === 0 ? { thumbnailSide } : {};
      const picture = await pool
        .prepare(bytes, { ...options, ...defined(first) }, task)
        .catch((error: unknown) => {
          signal.throwIfAborted();
          throw atPicture(error, index, pictures.length);
        });
      const { known: _, ...all } = options;
      prepared.push({ ...picture, again: () => pool.prepare(bytes, all, task) });
    }
    readyAtMs = performance.now();
    return prepared;
  };
  let readyAtMs = 0;
  const prepared = await (aside && large.some(Boolean) ? aside(prepare) : prepare());
  timer.exclude(readyAtMs);
  signal.throwIfAborted();
  return prepared;
}

/** The error of one of several pictures says which. */
function atPicture(thrown: unknown, index: number, count: number): unknown {
  if (!(thrown instanceof SmolvlmError) || count === 1) return thrown;
  const { code, message, hint } = thrown;
  return new SmolvlmError(code, `picture ${index + 1} of ${count}: ${message}`, {
    hint,
    picture: index,
    cause: thrown,
  });
}

/** One hash for a request: its picture's, or that of its pictures' hashes. */
export function requestHash(pictures: readonly Pick<PreparedPicture, 'hash'>[]): string {
  const [only, ...others] = pictures;
  if (only && others.length === 0) return only.hash;
  const hash = createHash('sha256');
  for (const picture of pictures) hash.update(picture.hash);
  return hash.digest('hex');
}
