import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import sharp from 'sharp';

/** From dist/test/frame. */
const script = join(__dirname, '..', '..', '..', 'test', 'frame', 'rtsp-server.py');

/** Debian's, which has PyGObject. */
const python = '/usr/bin/python3';

/** Luma a second of the clock in the picture, and the clock's period: see rtsp-server.py. */
const [lumaPerSecond, periodSeconds] = [8, 25];

/** Whether ffmpeg, PyGObject and gst-rtsp-server are installed. */
export function canServe(): boolean {
  const load =
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer";
  return spawnSync('ffmpeg', ['-version']).status === 0 && spawnSync(python, ['-c', load]).status === 0;
}

/** An RTSP server of GStreamer whose picture's brightness is a clock. */
export class RtspServer {
  readonly #child: ChildProcess;
  port = 0;

  private constructor(args: readonly string[]) {
    this.#child = spawn(python, [script, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  }

  static async start(...args: readonly string[]): Promise<RtspServer> {
    const server = new RtspServer(args);
    const [line] = await once(server.#child.stdout!, 'data');
    server.port = Number(/\d+/.exec(String(line))?.[0]);
    return server;
  }

  url(path = '/live'): URL {
    return new URL(`rtsp://127.0.0.1:${this.port}${path}`);
  }

  /** @param line as rtsp-server.py describes them */
  tell(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** How old a picture of the server is at a time, seconds by the clock in it. */
export async function ageOf(jpeg: Uint8Array, at: number): Promise<number> {
  const { channels } = await sharp(jpeg).greyscale().stats();
  // The decoder spreads luma 16 … 235 over 0 … 255.
  const shown = ((channels[0]?.mean ?? 0) * (219 / 255)) / lumaPerSecond;
  const age = (((at / 1000) % periodSeconds) - shown + periodSeconds) % periodSeconds;
  return age > periodSeconds / 2 ? age - periodSeconds : age;
}
