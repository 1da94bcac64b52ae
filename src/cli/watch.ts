import { setTimeout as delay } from 'node:timers/promises';
import { ImageChildren } from '../client/children/image-children';
import { SmolvlmError } from '../errors';
import { NatsEngine } from '../nats/client/nats-engine';
import type { DescribeFinal } from '../protocol/events';
import { shownText } from '../system/shown-address';
import { alignedTable } from './command/aligned-table';
import {
  type Command,
  type CommandIo,
  type OptionValues,
  optionalInteger,
  requiredString,
} from './command/command';
import { natsOptions, natsOptionTable, natsUsage } from './command/nats-options';
import { type CameraCheck, checkCamera } from './watch/camera-check';
import { CameraWatch } from './watch/camera-watch';
import { readConfigFile } from './watch/config-file';
import { watchConfig } from './watch/watch-config';
import type { WatchedCamera } from './watch/watched-camera';

const standardStatusSeconds = 60;
const retryMs = 5_000;

/** `smolvlm watch`: cameras without Node-RED, for a group of hubs. */
export const command: Command = {
  outlivesCaller: true,
  summary: 'Publish the pictures of cameras to the queue of a group of hubs',
  usage: [
    'watch --nats nats://HOST:4222 --config cameras.yaml [--print] [--publish] [--status-every S]',
    `  ${natsUsage}`,
    '       smolvlm watch --config cameras.yaml --check',
    'The file lists snapshot addresses, MJPEG and RTSP streams, and folders, with the filters of the frame node:',
    'docs/many-hubs.md, Cameras without Node-RED. A file whose name ends in .json is read as JSON.',
    'With --print, captions are printed as they arrive; with --publish, they are published as smolvlm.CAMERA.caption.',
    'With --check, each camera is tried once, and nothing is published.',
    'With --status-every 0, no line is logged for each camera every minute.',
  ].join('\n'),
  options: {
    ...natsOptionTable,
    config: { type: 'string' },
    check: { type: 'boolean' },
    print: { type: 'boolean' },
    publish: { type: 'boolean' },
    'status-every': { type: 'string' },
  },
  async run(values, _positionals, io) {
    const path = requiredString(values, 'config');
    const statusSeconds = optionalInteger(values, 'status-every', 0, 86_400) ?? standardStatusSeconds;
    const address = values.check === true ? undefined : natsOptions(values);
    const cameras = watchConfig(await readConfigFile(path));
    const images = new ImageChildren();
    try {
      if (!address) return await checkAll(cameras, images, io);
      const engine = new NatsEngine(address);
      try {
        await watchAll(cameras, { engine, images, io, values, statusSeconds });
      } finally {
        await engine.close();
      }
      return 0;
    } finally {
      images.close();
    }
  },
};

interface WatchTools {
  readonly engine: NatsEngine;
  readonly images: ImageChildren;
  readonly io: CommandIo;
  readonly values: OptionValues;
  readonly statusSeconds: number;
}

/** Watches until the signal is aborted. @throws SmolvlmError when the server can never be used with these options */
async function watchAll(
  cameras: readonly WatchedCamera[],
  { engine, images, io, values, statusSeconds }: WatchTools,
): Promise<void> {
  const log = (line: string): void => io.log(shownText(line));
  if (!(await isOpened(engine, log, io.signal))) return;
  const onAnswer = (camera: string, final: DescribeFinal): void => {
    if (values.print === true) printAnswer(io, camera, final);
    if (values.publish === true) engine.publishAnswer(camera, final).catch(() => {});
  };
  const prepare = images.prepare.bind(images);
  const watches = cameras.map((camera) => new CameraWatch({ camera, engine, prepare, log, onAnswer }));
  log(`watches ${cameras.length === 1 ? 'one camera' : `${cameras.length} cameras`}`);
  const status = (): void => {
    for (const watch of watches) log(watch.status);
  };
  const timer = statusSeconds > 0 ? setInterval(status, statusSeconds * 1000) : undefined;
  await new Promise<void>((resolve) => {
    io.signal.addEventListener('abort', () => resolve(), { once: true });
    if (io.signal.aborted) resolve();
  });
  clearInterval(timer);
  for (const watch of watches) watch.close();
  status();
}

/** A server that cannot be reached is tried again. @returns false if the signal was aborted */
async function isOpened(
  engine: NatsEngine,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let lastLine = '';
  while (!signal.aborted) {
    try {
      await engine.open();
      return true;
    } catch (error) {
      if (!(error instanceof SmolvlmError) || error.code !== 'nats-unreachable') throw error;
      const line = `${error.message} [${error.code}]`;
      if (line !== lastLine) log(line);
      lastLine = line;
    }
    await delay(retryMs, undefined, { signal }).catch(() => {});
  }
  return false;
}

function printAnswer(io: CommandIo, camera: string, final: DescribeFinal): void {
  switch (final.type) {
    case 'result': {
      const { text, backend } = final.result;
      io.result({ camera, text, backend }, `${camera}: ${text}`);
      return;
    }
    case 'dropped':
      io.result(
        { camera, dropped: final.reason, reason: final.message },
        `${camera}: dropped: ${final.message} [${final.reason}]`,
      );
      return;
    case 'error':
      io.result({ camera, error: final.error }, `${camera}: ${final.error.message} [${final.error.code}]`);
  }
}

/** @returns the exit status: 1 if a camera gave no picture */
async function checkAll(
  cameras: readonly WatchedCamera[],
  images: ImageChildren,
  io: CommandIo,
): Promise<number> {
  const prepare = images.prepare.bind(images);
  const checks = await Promise.all(cameras.map((camera) => checkCamera(camera, prepare, io.signal)));
  const shown = checks.map((check) =>
    check.ok ? check : { ...check, error: { ...check.error, message: shownText(check.error.message) } },
  );
  io.result({ cameras: shown }, alignedTable(['camera', 'source', 'result'], shown.map(checkRow)));
  return shown.every(({ ok }) => ok) ? 0 : 1;
}

function checkRow(check: CameraCheck): readonly string[] {
  const { camera, source } = check;
  if (!check.ok) return [camera, source, `${check.error.message} [${check.error.code}]`];
  const { width, height, sizeBytes, ms } = check;
  return [camera, source, `ok: ${width}x${height}, ${Math.ceil(sizeBytes / 1024)} kB, ${ms} ms`];
}
