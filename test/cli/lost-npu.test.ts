import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { lostMs } from '../../src/backends/rknn/stage-watch';
import { endMs } from '../../src/cli/main';
import { EmulatedNpu } from '../backends/rknn/emulated-npu';
import { demoFrame, repositoryRoot } from '../fixtures';
import { EmulatedBundle } from '../inference/npu/emulated-bundle';
import { ChildClock } from '../system/child-clock/child-clock';

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly text: string;
}

describe('a command whose NPU hangs', function () {
  this.timeout(180_000);

  it('answers from the CPU, says why, and ends', async () => {
    const [expected]: [Expected] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));
    const npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3' });
    const bundle = await EmulatedBundle.create();
    const clock = new ChildClock();
    try {
      await npu.faults('hang');
      const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
      const { frame, prompt } = expected;
      const args = ['caption', '--model', bundle.dir, '--image', demoFrame(frame), '--prompt', prompt];
      const command = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = Promise.all([text(command.stdout), text(command.stderr), once(command, 'close')]);
      await npu.hung();
      clock.advance(lostMs);
      await once(command.stdout, 'data');
      while (command.exitCode === null && command.signalCode === null) {
        clock.advance(endMs);
        await delay(50);
      }
      const [said, warned] = await ended;
      assert.equal(said.trim(), expected.text, warned);
      assert.match(warned, /on the CPU instead of the NPU: stage l0_attn has not returned/);
      assert.match(warned, /ending the process/);
    } finally {
      clock.remove();
      await bundle.remove();
      await npu.remove();
    }
  });
});
