import assert from 'node:assert/strict';
import { modelNameOf } from '../../src/model/model-name';

describe('modelNameOf', () => {
  it('is the folder’s name, or the hub id where the folder is a snapshot named by its commit', () => {
    const commit = '7e3e67edbbed1bf9888184d9df282b700a323964';
    const hub = `/home/me/.cache/huggingface/hub/models--HuggingFaceTB--SmolVLM-256M-Instruct/snapshots/${commit}`;
    assert.equal(modelNameOf(hub), 'HuggingFaceTB/SmolVLM-256M-Instruct');
    assert.equal(modelNameOf(`${hub}/`), 'HuggingFaceTB/SmolVLM-256M-Instruct');
    assert.equal(modelNameOf('/models/SmolVLM-256M-Instruct'), 'SmolVLM-256M-Instruct');
    assert.equal(modelNameOf(`/models/snapshots/${commit}`), commit);
  });
});
