import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import * as tar from 'tar';
import { unpackBundle } from '../../../src/convert/deliver/unpack-bundle';
import { SmolvlmError } from '../../../src/errors';
import { fuzz, fuzzTimeoutMs, mutatedBytes } from '../../fuzz';
import { useTempFolder } from '../../temp-folder';
import { contents, manifestName, writeTinyBundle } from './tiny-bundle';

describe('archives, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);
  const temp = useTempFolder();

  it('with damaged bytes, plain or gzipped, are unpacked whole or refused without a trace', async () => {
    await writeTinyBundle(temp('in'));
    const names = [manifestName, ...Object.keys(contents)];
    await tar.create({ file: temp('good.tar'), cwd: temp('in'), portable: true }, names);
    const good = await readFile(temp('good.tar'));
    const damaged = fc.oneof(
      mutatedBytes(good),
      mutatedBytes(good).map((bytes) => gzipSync(bytes, { level: 1 })),
      mutatedBytes(gzipSync(good)),
    );
    await fuzz(
      fc.asyncProperty(damaged, async (bytes) => {
        await writeFile(temp('bad.tar'), bytes);
        const before = await readdir(temp());
        const result = await unpackBundle(temp('bad.tar'), temp('out')).catch((error: unknown) => error);
        if (result instanceof Error) {
          assert.ok(result instanceof SmolvlmError, String(result.stack));
          assert.ok(!existsSync(temp('out')));
        } else {
          for (const [name, data] of Object.entries(contents)) {
            assert.deepEqual(await readFile(temp('out', name)), data);
          }
          await rm(temp('out'), { recursive: true });
        }
        assert.deepEqual(await readdir(temp()), before);
      }),
    );
  });
});
