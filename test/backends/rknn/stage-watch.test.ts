import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { StageWatch } from '../../../src/backends/rknn/stage-watch';
import type { StageRunner } from '../../../src/backends/stage-runner';
import { npuLockPath } from '../../../src/platform/npu/npu-lock';
import { defined } from '../../../src/system/defined';
import { ManualClock } from '../../system/manual-clock';
import { EmulatedShards } from './emulated-shards';

describe('StageWatchdog with the emulated NPU', function () {
  // With sanitizers on a loaded machine, a tower takes a minute.
  this.timeout(300_000);
  const shards = new EmulatedShards();

  it('reports a run that times out, and continues to work', async () => {
    const backend = await shards.npu.open();
    const runner = await backend.openStage(shards.dir, shards.stages[1]!);
    await shards.npu.faults('run -2');
    await assert.rejects(runner.run(new Float32Array(64 * 64)), {
      code: 'backend-rknn-call',
      message: /l0_mlp: rknn_run failed: RKNN_ERR_TIMEOUT/,
    });
    await shards.npu.faults();
    await runner.run(new Float32Array(64 * 64));
    await backend.close();
  });

  it('reports a slow stage at once, and gives up on one that does not return', async () => {
    const told: string[] = [];
    const clock = new ManualClock();
    const watch = (lostMs?: number): StageWatch => ({
      clock,
      slowMs: 50,
      ...defined({ lostMs }),
      onSlow: (stage) => void told.push(`slow ${stage}`),
      onLost: (stage) => void told.push(`lost ${stage}`),
    });
    const patient = await shards.npu.open({ watch: watch() });
    const slow = await patient.openStage(shards.dir, shards.stages[1]!);
    await shards.npu.faults('hang');
    const run = slow.run(new Float32Array(64 * 64));
    await clock.waitedFor();
    clock.advance(50);
    assert.deepEqual(told, ['slow l0_mlp']);
    await shards.npu.faults();
    await run;
    await patient.close();
    const impatient = await shards.npu.open({ watch: watch(300) });
    const lost = await impatient.openStage(shards.dir, shards.stages[1]!);
    await shards.npu.faults('hang');
    const given = assert.rejects(lost.run(new Float32Array(64 * 64)), {
      code: 'npu-lost',
      message: /l0_mlp/,
    });
    await clock.waitedFor();
    clock.advance(50);
    clock.advance(250);
    await given;
    assert.deepEqual(told, ['slow l0_mlp', 'slow l0_mlp', 'lost l0_mlp']);
    await shards.npu.faults();
    while (!(await comesBack(lost))) await delay(20);
    await impatient.close();
  });

  it('does not give up on a stage because the process was stopped meanwhile', async () => {
    const told: string[] = [];
    const clock = new ManualClock();
    const watch = { clock, onSlow: () => void told.push('slow'), onLost: () => void told.push('lost') };
    const backend = await shards.npu.open({ watch });
    const runner = await backend.openStage(shards.dir, shards.stages[1]!);
    await shards.npu.faults('hang');
    const run = runner.run(new Float32Array(64 * 64));
    await clock.waitedFor();
    clock.stop(100_000);
    await shards.npu.faults();
    await run;
    assert.deepEqual(told, []);
    await backend.close();
  });

  for (const fault of ['hang', 'init_hang']) {
    it(`closes at once, and keeps the NPU locked, while the library does not return (${fault})`, async () => {
      const clock = new ManualClock();
      const backend = await shards.npu.open({ watch: { lostMs: 200, clock } });
      const hung = fault === 'hang' ? await backend.openStage(shards.dir, shards.stages[1]!) : undefined;
      await shards.npu.faults(fault);
      const call = hung
        ? hung.run(new Float32Array(64 * 64))
        : backend.openStage(shards.dir, shards.stages[1]!);
      const given = assert.rejects(call, { code: 'npu-lost', message: /l0_mlp/ });
      await clock.waitedFor();
      // Loading has three times as long.
      clock.advance(600);
      await given;
      await backend.close();
      assert.equal(existsSync(npuLockPath()), true);
      await shards.npu.faults();
      while (existsSync(npuLockPath())) await delay(20);
    });
  }
});

function comesBack(runner: StageRunner): Promise<boolean> {
  return runner.run(new Float32Array(64 * 64)).then(
    () => true,
    () => false,
  );
}
