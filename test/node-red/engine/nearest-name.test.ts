import assert from 'node:assert/strict';
import { familyModels } from '../../../src/model/hub/model-family';
import { nearestName } from '../../../src/node-red/engine/nearest-name';

const known = ['demo', ...familyModels.map(({ id }) => id)];

describe('nearestName', () => {
  it('finds the model that a mistyped name means', () => {
    for (const [name, meant] of [
      ['HuggingFaceTB/SmolVLM-256-Instruct', 'HuggingFaceTB/SmolVLM-256M-Instruct'],
      ['smolvlm-256m-instruct', 'HuggingFaceTB/SmolVLM-256M-Instruct'],
      ['SmolVLM2-500M', 'HuggingFaceTB/SmolVLM2-500M-Video-Instruct'],
      ['deom', 'demo'],
    ]) {
      assert.equal(nearestName(name ?? '', known), meant, name);
    }
  });

  it('suggests nothing for a known name, a folder or another model', () => {
    for (const name of ['', 'demo', ...known, '/models/smolvlm', './demos', 'ORG/something-else']) {
      assert.equal(nearestName(name, known), undefined, name);
    }
  });
});
