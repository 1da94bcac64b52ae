import { BroadcastChannel, parentPort, threadId } from 'node:worker_threads';
import type { PreparedPicture } from '../../../src/image/pool/prepare-picture';

/** Told by a thread that it has begun a picture, whose first byte is its name; told to a thread to end it. */
export interface HeldPicture {
  readonly name: number;
  readonly what: 'begun' | 'end' | 'crash';
  readonly thread?: number;
}

export const channelName = 'held pictures';

// As the program of a picture pool's threads: each picture is prepared when the test says so.
if (parentPort) {
  const channel = new BroadcastChannel(channelName);
  let current: number | undefined;
  parentPort.on('message', ({ bytes }: { readonly bytes: Uint8Array }) => {
    current = bytes[0];
    channel.postMessage({ name: current, what: 'begun', thread: threadId });
  });
  channel.onmessage = (event) => {
    const { name, what } = (event as { readonly data: HeldPicture }).data;
    if (name !== current || what === 'begun') return;
    if (what === 'crash') process.exit(3);
    const picture: PreparedPicture = { width: name, height: 1, hash: '' };
    parentPort?.postMessage({ picture });
  };
}
