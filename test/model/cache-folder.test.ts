import assert from 'node:assert/strict';
import { bundlesFolder, cacheFolder, checkpointsFolder } from '../../src/model/cache-folder';

describe('cacheFolder', () => {
  it('is that of this process, with a folder for each kind of file', () => {
    assert.equal(cacheFolder(), process.env.SMOLVLM_CACHE);
    assert.equal(checkpointsFolder('/a'), '/a/checkpoints');
    assert.equal(bundlesFolder('/a'), '/a/bundles');
  });
});
