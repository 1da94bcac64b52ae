import assert from 'node:assert/strict';
import { readModelConfigs } from '../../../src/model/checkpoint/checkpoint';
import { hubBytes, modelMemory, smallestHub } from '../../../src/model/checkpoint/model-memory';
import { familyModels } from '../../../src/model/hub/model-family';
import { familyNames } from '../../../src/protocol/models/family-names';
import { fixture } from '../../fixtures';

describe('familyModels', () => {
  it('have the memory that follows from the config.json of each checkpoint', async () => {
    for (const [name, ...place] of [
      ['SmolVLM-256M-Instruct', 'goldens', 'smolvlm-256m'],
      ['SmolVLM-500M-Instruct', 'sizes', 'smolvlm-500m'],
      ['SmolVLM2-256M-Video-Instruct', 'goldens', 'smolvlm-256m'],
      ['SmolVLM2-500M-Video-Instruct', 'sizes', 'smolvlm-500m'],
      ['SmolVLM2-2.2B-Instruct', 'sizes', 'smolvlm2-2.2b'],
      ['SmolVLM-Instruct', 'sizes', 'smolvlm-2.2b'],
    ] as const) {
      const model = familyModels.find(({ id }) => id === `HuggingFaceTB/${name}`);
      const { config } = await readModelConfigs(fixture(...place));
      const bytes = hubBytes(modelMemory(config), 'all on the CPU', 1000);
      // The first 2.2B has 125 words less than the second, 0.01 % of its memory.
      assert.ok(
        Math.abs((model?.memoryBytes ?? 0) / bytes - 1) < 2e-4,
        `${name}: ${model?.memoryBytes} ${bytes}`,
      );
      assert.equal(model?.machineGb, smallestHub(bytes), name);
    }
  });

  it('have the names that a client suggests without the list of an engine', () => {
    assert.deepEqual(
      familyModels.map(({ id }) => id),
      familyNames,
    );
  });
});
