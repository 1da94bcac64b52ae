import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { checkOutputFile } from '../../../src/cli/command/output-file';
import { preparedBundle } from '../../../src/convert/bundle/prepared-bundle';
import { demoFrame, demoModel } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { runSmolvlmHere } from '../run-smolvlm-here';

const image = demoFrame('frame_01_driveway_day.jpg');

/** As errors give it: `inspect` with its subcommand. */
function nameOf([command, subcommand]: readonly string[]): string {
  return command === 'inspect' ? `inspect ${subcommand}` : `${command}`;
}

describe('the file that a command’s option names', () => {
  const temp = useTempFolder();

  it('is left as it was by the check, and not made', async () => {
    writeFileSync(temp('old'), 'old');
    symlinkSync('target', temp('link'));
    for (const name of ['old', 'new', 'link']) await checkOutputFile('--out', temp(name));
    await checkOutputFile('--out', '/dev/null');
    assert.equal(readFileSync(temp('old'), 'utf8'), 'old');
    assert.deepEqual([existsSync(temp('new')), existsSync(temp('target'))], [false, false]);
    writeFileSync(temp('link'), 'through the link');
    assert.equal(readFileSync(temp('target'), 'utf8'), 'through the link');
  });

  /** Paths at which nothing can be written, each with the code that its message ends with. */
  const refused: readonly [string, () => string, string][] = [
    ['in a folder that does not exist', () => temp('absent', 'x.svg'), 'ENOENT'],
    ['below a file', () => temp('file', 'x.svg'), 'ENOTDIR'],
    ['at a folder', () => temp('folder.svg'), 'EISDIR'],
    ['at a link into a folder that does not exist', () => temp('dangling.svg'), 'ENOENT'],
    ['where the system refuses every name', () => '/proc/x.svg', 'ENOENT'],
  ];
  const commands: readonly (readonly string[])[] = [
    ['bench', '--emulator', '--timeline'],
    ['bench', '--board', '--model', 'demo', '--out'],
    ['validate', 'demo', '--chart'],
    ['inspect', 'activations', '--model', 'demo', '--image', image, '--out'],
    ['inspect', 'tiles', '--model', 'demo', '--image', image, '--out'],
  ];
  for (const [where, path, code] of refused) {
    it(`is refused before the work begins: ${where}`, async function () {
      if (path().startsWith('/proc') && process.platform !== 'linux') this.skip();
      writeFileSync(temp('file'), '');
      mkdirSync(temp('folder.svg'));
      symlinkSync(temp('absent', 'x'), temp('dangling.svg'));
      for (const command of commands) {
        const { status, stderr } = await runSmolvlmHere([...command, path()]);
        const option = command.at(-1);
        const message = `smolvlm ${nameOf(command)}: ${option}: ${path()} cannot be written: ${code} [command-output]\n  `;
        assert.equal(status, 1);
        assert.ok(stderr.startsWith(message), stderr);
      }
    });
  }
});

describe('the folder that a command’s option names', () => {
  const temp = useTempFolder();
  const commands: readonly (readonly [...string[], code: string])[] = [
    ['doctor', '--record', 'doctor-record'],
    ['certificate', '--out', 'folder-unusable'],
    ['inspect', 'random-checkpoint', '--configs', 'models/demo', '--out', 'folder-unusable'],
    ['inspect', 'outlier-checkpoint', '--model', 'demo', '--out', 'folder-unusable'],
    ['convert', '--model', 'demo', '--target', 'cpu', '--out', 'folder-unusable'],
    ['install', 'bundle.tar', '--to', 'folder-unusable'],
    ['serve', '--port', '1', '--no-token', '--timeline', 'timeline-folder'],
  ];
  for (const [where, folder] of [
    ['below a file', () => temp('file', 'x', 'y')],
    ['below a link to nothing', () => temp('dangling', 'x', 'y')],
    ['where the system refuses every name', () => '/proc/x/y'],
  ] as const) {
    it(`is refused in time ${where}`, async function () {
      if (process.platform !== 'linux') this.skip();
      writeFileSync(temp('file'), '');
      symlinkSync('gone', temp('dangling'));
      const { dir } = await preparedBundle(demoModel, { visionPrecision: 'int8' });
      for (const command of [...commands, ['pack', dir, '--out', 'folder-unusable']]) {
        const { status, stderr } = await runSmolvlmHere([...command.slice(0, -1), folder()]);
        assert.equal(status, 1, stderr);
        assert.match(stderr, new RegExp(`^smolvlm ${nameOf(command)}: .*\\[${command.at(-1)}\\]$`, 'm'));
      }
    });
  }

  it('is refused in time for an archive, a bundle and a cache in a folder that allows no files', async function () {
    if (process.platform !== 'linux') this.skip();
    const cache = { SMOLVLM_CACHE: '/proc/x' };
    const refusals = [
      await runSmolvlmHere(['convert', '--model', 'demo', '--target', 'cpu', '--out', '/proc/x']),
      await runSmolvlmHere(['install', 'bundle.tar', '--to', '/proc/x']),
      await runSmolvlmHere(['caption', '--model', 'demo', '--image', image], cache),
    ];
    for (const { status, stderr } of refusals) {
      assert.equal(status, 1);
      assert.match(stderr, /no (file|folder) can be made in \/proc \[folder-unusable\]/);
    }
  });
});
