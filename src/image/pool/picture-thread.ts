import { parentPort } from 'node:worker_threads';
import { errorBody } from '../../errors';
import { type PictureOptions, preparePicture } from './prepare-picture';

// The program of a thread of `PicturePool`: one picture at a time.

parentPort?.on(
  'message',
  ({ bytes, options }: { readonly bytes: Uint8Array; readonly options: PictureOptions }) => {
    preparePicture(bytes, options).then(
      (picture) => parentPort?.postMessage({ picture }, picture.tiles ? [picture.tiles.buffer] : []),
      (error: unknown) => parentPort?.postMessage({ error: errorBody(error) }),
    );
  },
);
