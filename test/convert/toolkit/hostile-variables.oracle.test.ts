import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { defaultToolkit } from '../../../src/protocol/models/conversion-choices';
import { demoFrame, repositoryRoot } from '../../fixtures';
import { useSuiteFolder } from '../../package/packed-package';
import { writeSmallCheckpoint } from '../small-checkpoint';
import { startPackageIndex } from './package-index';
import { testToolkit } from './test-toolkit';

const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
const picture = 'frame_01_driveway_day.jpg';

describe('a conversion under one variable that redirects Python or pip', function () {
  this.timeout(600_000);
  const folder = useSuiteFolder();
  const temp = (...parts: string[]): string => join(folder, ...parts);
  const texts: string[] = [];
  let python: string;
  let index: Awaited<ReturnType<typeof startPackageIndex>>;

  before(async () => {
    ({ python } = await testToolkit());
    for (const name of ['wheels', 'broken', 'empty', 'elsewhere', 'frames']) mkdirSync(temp(name));
    writeFileSync(temp('broken', 'numpy.py'), 'raise SystemExit("the numpy of PYTHONPATH")');
    index = await startPackageIndex(temp('wheels'), defaultToolkit);
    await cp(demoFrame(picture), temp('frames', picture));
    // As SmolVLM 2.2B: patches that do not divide the tile.
    await writeSmallCheckpoint(temp('small'), 1, { imageSize: 90, patchSize: 14, scaleFactor: 3 });
  });
  after(() => index?.close());

  /** Fails the test, with what the command printed, unless it ends with 0. */
  async function smolvlm(variables: NodeJS.ProcessEnv, ...args: string[]) {
    const env = { ...process.env, ...variables };
    return promisify(execFile)(process.execPath, [main, ...args], { env });
  }

  const hostile: Record<string, () => string> = {
    PYTHONPATH: () => temp('broken'),
    PYTHONHOME: () => temp('empty'),
    CONDA_PREFIX: () => temp('empty'),
    VIRTUAL_ENV: () => temp('empty'),
    PIP_USER: () => '1',
    PIP_TARGET: () => temp('elsewhere'),
    PIP_REQUIRE_VIRTUALENV: () => '1',
  };

  it('would fail with what the variables lead to', () => {
    for (const name of ['PYTHONPATH', 'PYTHONHOME']) {
      const env = { ...process.env, [name]: hostile[name]?.() };
      assert.notEqual(spawnSync(python, ['-c', 'import numpy'], { env }).status, 0, name);
    }
  });

  for (const [name, value] of Object.entries(hostile)) {
    it(`sets up the toolkit, converts and captions under ${name}`, async () => {
      const variables = { [name]: value() };
      const cache = temp(`cache-${name}`);
      const setUp = async (): Promise<void> => {
        const source = { PIP_INDEX_URL: index.url, SMOLVLM_CACHE: cache };
        await smolvlm({ ...variables, ...source }, 'convert', '--setup');
        const [environment = ''] = readdirSync(join(cache, 'toolkit'));
        const lib = join(cache, 'toolkit', environment, 'lib');
        const [version = ''] = readdirSync(lib);
        assert.ok(readdirSync(join(lib, version, 'site-packages')).includes('rknn'), 'is in the environment');
      };
      const caption = async (): Promise<void> => {
        const out = temp(name);
        const model = ['--model', temp('small'), '--target', 'rk3588', '--query-rows', '36'];
        const frames = ['--calibration', temp('frames'), '--python', python];
        const { stderr } = await smolvlm(variables, 'convert', ...model, ...frames, '--out', out);
        assert.match(stderr, new RegExp(`not passed on to Python: ${name}`));
        const image = ['--image', demoFrame(picture), '--max-new-tokens', '4', '--json'];
        const { stdout } = await smolvlm(variables, 'caption', '--model', out, ...image);
        texts.push(JSON.parse(stdout).text);
      };
      await Promise.all([setUp(), caption()]);
      assert.equal(texts.at(-1), texts[0]);
      assert.deepEqual(readdirSync(temp('elsewhere')), []);
      assert.deepEqual(readdirSync(temp('empty')), []);
    });
  }
});
