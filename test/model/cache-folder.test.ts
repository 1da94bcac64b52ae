import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { bundlesFolder, cacheFolder, checkpointsFolder } from '../../src/model/cache-folder';

describe('cacheFolder', () => {
  it('is SMOLVLM_CACHE, else below XDG_CACHE_HOME, else below ~/.cache', () => {
    assert.equal(cacheFolder({ SMOLVLM_CACHE: '/a', XDG_CACHE_HOME: '/x' }), '/a');
    assert.equal(cacheFolder({ SMOLVLM_CACHE: '', XDG_CACHE_HOME: '/x' }), '/x/smolvlm');
    assert.equal(cacheFolder({}), join(homedir(), '.cache', 'smolvlm'));
    assert.equal(checkpointsFolder('/a'), '/a/checkpoints');
    assert.equal(bundlesFolder('/a'), '/a/bundles');
  });
});
