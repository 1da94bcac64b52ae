import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { testToolkit } from '../../convert/toolkit/test-toolkit';
import { demoFrame } from '../../fixtures';

/** A small checkpoint, calibration frames and the toolkit, for conversions from the command line. */
export class SmallConversion {
  #folder = '';
  #python = '';

  /** Of the checkpoint, the frames, and what a test writes. */
  get folder(): string {
    return this.#folder;
  }

  get python(): string {
    return this.#python;
  }

  get model(): string {
    return join(this.#folder, 'small');
  }

  get frames(): string {
    return join(this.#folder, 'frames');
  }

  async prepare(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'smolvlm-convert-'));
    ({ python: this.#python } = await testToolkit());
    await writeSmallCheckpoint(this.model);
    await mkdir(this.frames);
    for (const name of ['frame_01_driveway_day.jpg', 'frame_06_porch_night.jpg']) {
      await cp(demoFrame(name), join(this.frames, name));
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  arguments(out: string, ...more: string[]): string[] {
    const fixed = ['--model', this.model, '--out', out, '--target', 'rk3588', '--calibration', this.frames];
    return ['convert', ...fixed, '--query-rows', '256', '--python', this.#python, '--json', ...more];
  }
}
