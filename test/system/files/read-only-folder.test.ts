import assert from 'node:assert/strict';
import { namingReadOnly } from '../../../src/system/files/read-only-folder';

describe('namingReadOnly', () => {
  const refused = (code: string, path?: string): Error => Object.assign(new Error(code), { code, path });

  it('names the folder that cannot be written to, by the error of any of its parts', async () => {
    for (const [code, path] of [
      ['EROFS', '/cache/bundles/b.lock'],
      ['EACCES', '/cache'],
      ['EPERM', undefined],
    ] as const) {
      await assert.rejects(
        namingReadOnly('/cache/bundles/b', () => Promise.reject(refused(code, path))),
        {
          code: 'folder-read-only',
          message: `/cache/bundles cannot be written to: ${code}`,
          hint: /SMOLVLM_CACHE/,
        },
      );
    }
  });

  it('leaves other errors as they are', async () => {
    for (const error of [
      refused('ENOSPC', '/cache/bundles/b'),
      refused('EACCES', '/home/model.safetensors'),
    ]) {
      await assert.rejects(
        namingReadOnly('/cache/bundles/b', () => Promise.reject(error)),
        (thrown) => thrown === error,
      );
    }
  });
});
