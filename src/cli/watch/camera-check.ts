import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import type { FrameIntakeOptions } from '../../frame/frame-intake';
import type { FrameSource, SourceFrame } from '../../frame/frame-source';
import { openFrameSource } from '../../frame/open-frame-source';
import type { WatchedCamera } from './watched-camera';

/** Whether a camera gave a picture. */
export type CameraCheck = { readonly camera: string; readonly source: string } & (
  | {
      readonly ok: true;
      readonly width: number;
      readonly height: number;
      readonly sizeBytes: number;
      readonly ms: number;
    }
  | { readonly ok: false; readonly error: ErrorBody }
);

/** Gets one picture of a camera and prepares it as its settings say. Never rejects. */
export async function checkCamera(
  camera: WatchedCamera,
  prepare: FrameIntakeOptions<undefined>['prepare'],
  signal: AbortSignal,
): Promise<CameraCheck> {
  const about = { camera: camera.name, source: camera.source.kind };
  const startedAt = performance.now();
  try {
    const { bytes } = await firstPicture(camera, signal);
    const { width, height } = await prepare(bytes, camera.options);
    const ms = Math.round(performance.now() - startedAt);
    return { ...about, ok: true, width, height, sizeBytes: bytes.byteLength, ms };
  } catch (error) {
    return { ...about, ok: false, error: errorBody(error) };
  }
}

async function firstPicture({ source }: WatchedCamera, signal: AbortSignal): Promise<SourceFrame> {
  let opened: FrameSource | undefined;
  let interrupt = (): void => {};
  try {
    return await new Promise<SourceFrame>((resolve, reject) => {
      interrupt = () => reject(new SmolvlmError('watch-interrupted', 'the check was interrupted'));
      signal.addEventListener('abort', interrupt, { once: true });
      opened = openFrameSource(source, { onFrame: resolve, onConnected: () => {}, onTrouble: reject });
      // Others begin by themselves.
      if (source.kind === 'folder') opened.take();
    });
  } finally {
    signal.removeEventListener('abort', interrupt);
    opened?.close();
  }
}
