import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setEnvironment } from '../../environment';

/**
 * Other programs on the NPU, for engines that a test starts: those find them in a tree of files in place of this machine's
 * /proc and /sys. All else is read from the machine.
 */
export class PlantedNeighbours {
  readonly #root = mkdtempSync(join(tmpdir(), 'smolvlm-neighbours-'));
  readonly #restore: () => void;

  constructor() {
    this.#write('sys/class/drm/card1/device/uevent', 'DRIVER=RKNPU\n');
    this.#write('sys/class/drm/card0/device/uevent', 'DRIVER=rockchip-drm\n');
    // The display's user is not a neighbour.
    this.#program(500, 'weston\0', '/dev/dri/card0');
    this.#restore = setEnvironment({
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${join(__dirname, 'planted-neighbours-preload.js')}`,
      SMOLVLM_TEST_NEIGHBOURS: this.#root,
    });
  }

  /** Frigate's detector starts. */
  frigate(): void {
    this.#program(640, 'frigate.detector:rknn\0', '/dev/dri/card1');
  }

  /** A server of the vendor's language model runtime starts. */
  rkllm(): void {
    this.#program(655, '/usr/bin/python3\0/opt/rkllama/server.py\0--token\0secret\0', '/dev/dri/card1');
  }

  /** Both end. */
  leave(): void {
    for (const pid of [640, 655])
      rmSync(join(this.#root, 'proc', `${pid}`), { recursive: true, force: true });
  }

  remove(): void {
    this.#restore();
    rmSync(this.#root, { recursive: true });
  }

  #program(pid: number, commandLine: string, device: string): void {
    this.#write(`proc/${pid}/cmdline`, commandLine);
    this.#write(`proc/${pid}/fd/.keep`, '');
    symlinkSync(device, join(this.#root, 'proc', `${pid}`, 'fd', '7'));
  }

  #write(path: string, text: string): void {
    const file = join(this.#root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }
}
