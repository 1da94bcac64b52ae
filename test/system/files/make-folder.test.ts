import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, makeFolderSync } from '../../../src/system/files/make-folder';
import { repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

describe('makeFolder', () => {
  const temp = useTempFolder();
  const variants: readonly [string, (folder: string, mode?: number) => Promise<string | undefined>][] = [
    ['without blocking', makeFolder],
    ['blocking', async (folder, mode) => makeFolderSync(folder, mode)],
  ];

  for (const [how, make] of variants) {
    describe(how, () => {
      it('makes the missing folders, says which was the first, and leaves one that is there', async () => {
        assert.equal(await make(temp('a', 'b', 'c'), 0o700), temp('a'));
        assert.equal(statSync(temp('a', 'b')).mode & 0o777, 0o700);
        assert.equal(await make(temp('a', 'b', 'c')), undefined);
        assert.equal(await make(temp('a', 'b', 'd')), temp('a', 'b', 'd'));
        assert.equal(await make('/'), undefined);
        symlinkSync(temp('a'), temp('link'));
        assert.equal(await make(temp('link')), undefined);
        assert.equal(await make(temp('link', 'e')), temp('link', 'e'));
      });

      it('makes one folder for all who ask at the same time', async () => {
        const made = await Promise.all([1, 2, 3, 4].map(() => make(temp('x', 'y', 'z'))));
        assert.ok(made.includes(temp('x')));
        assert.ok(existsSync(temp('x', 'y', 'z')));
      });

      it('names a file or a link in the way, there or above', async () => {
        writeFileSync(temp('file'), '');
        symlinkSync('gone', temp('dangling'));
        symlinkSync('loop', temp('loop'));
        const cases: readonly [string, RegExp][] = [
          [temp('file'), /expected a folder at .*\/file, found a file$/],
          [temp('file', 'x', 'y'), /expected a folder at .*\/file, found a file$/],
          [temp('dangling'), /\/dangling, found a link to gone, which is not one$/],
          [temp('dangling', 'x'), /\/dangling, found a link to gone, which is not one$/],
          [temp('loop', 'x'), /\/loop, found a link to loop, which is not one$/],
        ];
        for (const [folder, message] of cases) {
          await assert.rejects(make(folder), { code: 'folder-unusable', message });
        }
      });

      it('ends with an error where the system refuses every name', async function () {
        if (process.platform !== 'linux') this.skip();
        const refused = { code: 'folder-unusable', message: 'no folder can be made in /proc' };
        await assert.rejects(make('/proc/x'), refused);
        await assert.rejects(make('/proc/x/y'), refused);
      });

      it('names the folder that cannot be written to', async function () {
        if (process.platform !== 'linux') this.skip();
        // Refused to root as well.
        const message = /^\/sys cannot be written to: E(PERM|ACCES|ROFS)$/;
        await assert.rejects(make('/sys/smolvlm/x'), { code: 'folder-read-only', message });
      });

      it('leaves what else the system says as it is', async () => {
        await assert.rejects(make(temp('n'.repeat(300))), { code: 'ENAMETOOLONG' });
      });
    });
  }

  it('is what all of src uses: the system may refuse every name in a folder that a user gives', () => {
    const src = join(repositoryRoot, 'src');
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const using = files.filter((name) =>
      /\bmkdir(Sync)?\([^;]*recursive/.test(readFileSync(join(src, name), 'utf8')),
    );
    assert.deepEqual(using, []);
  });
});
