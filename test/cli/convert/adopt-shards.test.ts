import assert from 'node:assert/strict';
import { useTempFolder } from '../../temp-folder';
import { runSmolvlmHere } from '../run-smolvlm-here';

describe('smolvlm convert --shards', () => {
  const temp = useTempFolder();

  it('says that a folder has no shards', async () => {
    const shards = temp('missing');
    const args = ['convert', '--shards', shards, '--model', 'demo', '--out', temp('bundle')];
    assert.deepEqual(await runSmolvlmHere(args), {
      status: 1,
      stdout: '',
      stderr: `smolvlm convert: --shards: no shards found in ${shards} [convert-shards]\n  Give the folder of the files l0_attn.rknn, l0_mlp.rknn …\n`,
    });
  });
});
