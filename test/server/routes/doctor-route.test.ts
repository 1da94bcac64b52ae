import assert from 'node:assert/strict';
import { EngineClient } from '../../../src/client/engine-client';
import { demoModel } from '../../fixtures';
import { serveFake } from '../served-fake';

describe('doctor route', () => {
  /** What the client of an engine with this default model is told. */
  async function reportOf(model: string, named?: string) {
    const served = await serveFake({ model });
    const client = new EngineClient({ kind: 'remote', url: new URL(served.url ?? '') });
    try {
      return await client.doctor(named);
    } finally {
      await client.close();
      await served.close();
    }
  }

  it('examines the machine that the engine runs on', async () => {
    const { checks, can } = await reportOf(demoModel);
    const node = checks.find(({ id }) => id === 'node');
    assert.deepEqual(node, { id: 'node', title: 'Node.js', state: 'ok', value: process.versions.node });
    assert.equal(typeof can.captionOnCpu, 'boolean');
    assert.equal(checks.find(({ id }) => id === 'bundle')?.state, 'info');
  });

  it('names the engine’s model when it cannot be used', async () => {
    const { checks } = await reportOf('/nowhere/bundle');
    const bundle = checks.find(({ id }) => id === 'bundle');
    assert.equal(bundle?.state, 'bad');
    assert.match(bundle?.value ?? '', /"\/nowhere\/bundle": the folder does not exist/);
    assert.match(bundle?.advice ?? '', /hub id/);
  });

  it('marks a model that is named and not on its machine, and examines the rest of it', async () => {
    const { checks } = await reportOf(demoModel, 'HuggingFaceTB/SmolVLM-Absent');
    const bundle = checks.find(({ id }) => id === 'bundle');
    assert.equal(bundle?.state, 'bad');
    assert.match(bundle?.value ?? '', /SmolVLM-Absent is not on the engine/);
    assert.match(bundle?.advice ?? '', /smolvlm pull/);
    assert.equal(checks.find(({ id }) => id === 'node')?.state, 'ok');
  });
});
