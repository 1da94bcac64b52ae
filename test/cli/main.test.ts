import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';
import { useTempFolder } from '../temp-folder';
import { runSmolvlmHere } from './run-smolvlm-here';

const main = join(repositoryRoot, 'dist', 'cli', 'main.js');

describe('the command line', () => {
  const temp = useTempFolder();

  for (const json of [[], ['--json']]) {
    it(`says so and exits 1 when a command waits for something that cannot come ${json}`, async () => {
      await writeFile(temp('stuck.js'), "require('node:fs/promises').open = () => new Promise(() => {});");
      const args = ['caption', '--model', 'demo', '--image', temp('a.jpg'), ...json];
      const command = promisify(execFile)(process.execPath, ['--require', temp('stuck.js'), main, ...args]);
      await assert.rejects(command, ({ code, stdout, stderr }) => {
        assert.equal(code, 1);
        assert.equal(stdout, '');
        assert.match(stderr, /^smolvlm caption: the command ended without a result.*\[command-unfinished\]/);
        return true;
      });
    });
  }

  it('prints the help of a command by -h as by --help', async () => {
    for (const command of ['caption', 'inspect']) {
      const help = await runSmolvlmHere([command, '--help']);
      assert.deepEqual([help.status, help.stderr], [0, '']);
      assert.deepEqual(await runSmolvlmHere([command, '-h']), help);
    }
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8'));
    assert.deepEqual(await promisify(execFile)(process.execPath, [main, '--version']), {
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  it('names the subcommand that was used wrongly or has failed', async () => {
    assert.deepEqual(await runSmolvlmHere(['inspect', 'tokenize', '--model', 'demo']), {
      status: 2,
      stdout: '',
      stderr: 'smolvlm inspect tokenize: --text is missing [usage]\n  See smolvlm inspect tokenize --help.\n',
    });
    const { status, stderr } = await runSmolvlmHere(['inspect', 'memory', '--model', temp('none')]);
    assert.equal(status, 1);
    assert.match(stderr, /^smolvlm inspect memory: .*\[model-missing\]/);
  });

  it('names an option that it does not have', async () => {
    assert.deepEqual(await runSmolvlmHere(['caption', '--foo', 'x']), {
      status: 2,
      stdout: '',
      stderr: "smolvlm caption: Unknown option '--foo' [usage]\n  See smolvlm caption --help.\n",
    });
  });

  for (const [args, hint] of [
    [
      ['serve', '--model', 'demo', 'b'],
      'Write --allow-image-host, --alias, --cors-origin once for each value.',
    ],
    [['bench', 'b'], 'See smolvlm bench --help.'],
    [['convert', '--setup', 'b'], 'See smolvlm convert --help.'],
    [['hubs', 'b'], 'See smolvlm hubs --help.'],
    [['watch', 'b'], 'See smolvlm watch --help.'],
    [['doctor', 'b'], 'See smolvlm doctor --help.'],
    [['certificate', 'b'], 'Write --name once for each value.'],
  ] as const) {
    it(`refuses an argument that ${args[0]} does not have`, async () => {
      assert.deepEqual(await runSmolvlmHere([...args]), {
        status: 2,
        stdout: '',
        stderr: `smolvlm ${args[0]}: unexpected argument "b" [usage]\n  ${hint}\n`,
      });
    });
  }

  for (const [args, fault] of [
    [['--out', 'report.json'], '--out has no effect here'],
    [['--timeline', 'a.svg', '--model', 'demo'], '--timeline has no effect here'],
    [['--board', '--model', 'demo', '--emulator'], '--board has no effect with --emulator'],
    [['--hubs', '1', '--model', 'demo'], '--model has no effect with --hubs'],
    [['--cameras', '4', '--zero-copy'], '--zero-copy has no effect with --cameras'],
  ] as const) {
    it(`refuses an option of another benchmark: ${fault}`, async () => {
      const { status, stderr } = await runSmolvlmHere(['bench', ...args]);
      assert.deepEqual(
        [status, stderr],
        [2, `smolvlm bench: ${fault} [usage]\n  See smolvlm bench --help.\n`],
      );
    });
  }

  for (const [args, fault] of [
    [['--target', 'cpu', '--workers', '2'], '--workers has no effect with --target cpu'],
    [['--target', 'cpu', '--no-cpu-stages'], '--no-cpu-stages has no effect with --target cpu'],
    [['--target', 'cpu', '--toolkit', '2.3.2'], '--toolkit has no effect with --target cpu'],
    [['--shards', 'dir', '--precision', 'fp16'], '--precision has no effect with --shards'],
    [['--shards', 'dir', '--query-rows', '8'], '--query-rows has no effect with --shards'],
  ] as const) {
    it(`refuses an option of another conversion: ${fault}`, async () => {
      const out = temp('bundle');
      const { status, stderr } = await runSmolvlmHere(['convert', '--model', 'demo', '--out', out, ...args]);
      assert.deepEqual(
        [status, stderr, existsSync(out)],
        [2, `smolvlm convert: ${fault} [usage]\n  See smolvlm convert --help.\n`, false],
      );
    });
  }

  it('refuses options of a conversion before it sets up the toolkit alone', async () => {
    const { status, stderr } = await runSmolvlmHere(['convert', '--setup', '--target', 'rk3588']);
    const fault = '--target has no effect without --model';
    assert.deepEqual(
      [status, stderr],
      [2, `smolvlm convert: ${fault} [usage]\n  See smolvlm convert --help.\n`],
    );
  });

  it('says that its output cannot be written, and ends without a word when its reader has ended', async () => {
    const shell = (script: string) =>
      promisify(execFile)('/bin/bash', ['-c', script, main, process.execPath]);
    await assert.rejects(shell('"$1" "$0" help >/dev/full'), {
      code: 1,
      stderr: /^smolvlm help: the output cannot be written: ENOSPC.* \[command-output\]\n {2}Check the disk/,
    });
    // The reader has ended before the command writes.
    const piped = await shell('exec 3> >(:); wait $!; "$1" "$0" help >&3; echo $?');
    assert.deepEqual(piped, { stdout: '141\n', stderr: '' });
  });

  it('exits 1 for a wrong environment variable, which it names', async () => {
    const env = { ...process.env, SMOLVLM_NPU_CORES: 'two' };
    await assert.rejects(promisify(execFile)(process.execPath, [main, 'doctor'], { env }), {
      code: 1,
      stderr:
        /SMOLVLM_NPU_CORES: expected a whole number from 1 to 8, or cores such as 1,2 or 2-2, received "two" \[environment-variable\]/,
    });
  });

  it('says that it was interrupted, not that it is defective', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const env = { ...process.env, HF_ENDPOINT: `http://127.0.0.1:${port}`, SMOLVLM_CACHE: temp('cache') };
    const pull = promisify(execFile)(process.execPath, [main, 'pull', 'org/name'], { env });
    silent.once('connection', () => pull.child.kill('SIGINT'));
    await assert
      .rejects(pull, {
        code: 1,
        stderr: 'smolvlm pull: the command was interrupted [command-interrupted]\n',
      })
      .finally(() => silent.close());
  });

  it('exits 2 for a wrong command line, and 0 for help', async () => {
    const run = promisify(execFile);
    await assert.rejects(run(process.execPath, [main, 'capt']), {
      code: 2,
      stderr: /unknown command "capt"/,
    });
    for (const [args, words] of [
      [['constructor'], /unknown command "constructor"/],
      [['caption', '--nope'], /See smolvlm caption --help\./],
      [['inspect', 'tokenize'], /--\w+ is missing \[usage\]\n {2}See smolvlm inspect tokenize --help\./],
    ] as const) {
      const { status, stderr } = await runSmolvlmHere(args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, words);
    }
    const { stdout } = await run(process.execPath, [main, 'help']);
    assert.match(stdout, /^Usage: smolvlm COMMAND/);
    assert.match(stdout, /--help.*--json.*--version/);
  });
});
