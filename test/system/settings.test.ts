import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { defaultNpuLockPath, readSettings } from '../../src/system/settings';
import { repositoryRoot } from '../fixtures';

describe('readSettings', () => {
  it('keeps the cache in SMOLVLM_CACHE, else below XDG_CACHE_HOME, else below ~/.cache', () => {
    const cacheDir = (environment: NodeJS.ProcessEnv): string => readSettings(environment).cacheDir;
    assert.equal(cacheDir({ SMOLVLM_CACHE: '/a', XDG_CACHE_HOME: '/x' }), '/a');
    assert.equal(cacheDir({ SMOLVLM_CACHE: '', XDG_CACHE_HOME: '/x' }), '/x/smolvlm');
    assert.equal(cacheDir({}), join(homedir(), '.cache', 'smolvlm'));
  });

  it('has a default for every required setting', () => {
    const { npu, rkllm, hub, convert } = readSettings({});
    assert.deepEqual(npu, { lockPath: defaultNpuLockPath, zeroCopy: false, sharedScratch: false });
    assert.deepEqual(rkllm, { input: 'embed', embedFlash: false });
    assert.deepEqual([hub, convert], [{}, {}]);
  });

  it('takes paths, numbers, choices and switches', () => {
    const { npu, rkllm, convert, runtimeDir } = readSettings({
      SMOLVLM_RUNTIME_DIR: '/run/me',
      SMOLVLM_NPU_LOCK: '/run/npu/lock',
      SMOLVLM_RKNN_LIBRARY: '/opt/librknnrt.so',
      SMOLVLM_NPU_CORES: '2',
      SMOLVLM_NPU_LOST_MS: '500',
      SMOLVLM_NPU_ZERO_COPY: '1',
      SMOLVLM_NPU_SHARED_SCRATCH: '0',
      SMOLVLM_RKLLM_ABI: '1.3',
      SMOLVLM_RKLLM_INPUT: 'multimodal',
      SMOLVLM_RKLLM_PYTHON: 'python3.10',
    });
    assert.equal(runtimeDir, '/run/me');
    assert.deepEqual(npu, {
      lockPath: '/run/npu/lock',
      library: '/opt/librknnrt.so',
      cores: 2,
      lostMs: 500,
      zeroCopy: true,
      sharedScratch: false,
    });
    assert.deepEqual(rkllm, { abi: '1.3', input: 'multimodal', embedFlash: false });
    assert.deepEqual(convert, { rkllmPython: 'python3.10' });
  });

  it('takes NPU cores as a number, a list or a range', () => {
    const cores = (text: string) => readSettings({ SMOLVLM_NPU_CORES: text }).npu.cores;
    assert.deepEqual([cores('3'), cores('1,2'), cores('1-2'), cores('2-2')], [3, [1, 2], [1, 2], [2]]);
  });

  it('takes the hub’s token from either of its names, without the line end of a file', () => {
    const token = (environment: NodeJS.ProcessEnv) => readSettings(environment).hub.token;
    assert.equal(token({ HUGGING_FACE_HUB_TOKEN: ' old\n' }), 'old');
    assert.equal(token({ HF_TOKEN: 'new', HUGGING_FACE_HUB_TOKEN: 'old' }), 'new');
    assert.equal(token({ HF_TOKEN: '' }), undefined);
  });

  it('refuses a wrong value, naming the variable, what was expected and what came', () => {
    for (const [name, value] of [
      ['SMOLVLM_NPU_CORES', '0'],
      ['SMOLVLM_NPU_CORES', 'two'],
      ['SMOLVLM_NPU_CORES', '1.5'],
      ['SMOLVLM_NPU_CORES', '99'],
      ['SMOLVLM_NPU_CORES', '2-1'],
      ['SMOLVLM_NPU_CORES', '1,9'],
      ['SMOLVLM_NPU_SHARING', 'maybe'],
      ['SMOLVLM_NPU_SLOW_MS', '3 s'],
      ['SMOLVLM_NPU_LOST_MS', '-1'],
      ['SMOLVLM_NPU_SILENCE_MS', 'Infinity'],
      ['SMOLVLM_NPU_ZERO_COPY', 'yes'],
      ['SMOLVLM_RKLLM_INPUT', 'rows'],
    ] as const) {
      assert.throws(() => readSettings({ [name]: value }), {
        code: 'environment-variable',
        message: new RegExp(`^${name}: expected .+, received "${value}"$`),
      });
    }
    assert.throws(() => readSettings({ SMOLVLM_RKLLM_ABI: '7' }), { code: 'backend-rkllm-abi' });
  });

  it('reads exactly the variables that docs/environment.md lists', () => {
    const read = new Set<string>();
    const get = (_: object, name: string | symbol): undefined => {
      read.add(String(name));
    };
    readSettings(new Proxy({}, { get }) as NodeJS.ProcessEnv);
    const page = readFileSync(join(repositoryRoot, 'docs', 'environment.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(listed.sort(), [...read].sort());
  });

  it('is the only reader of the environment, except for what starts a child or examines the machine', () => {
    const others = [
      'cli/bench/bench-doorbell.ts',
      'cli/bench/bench-engine.ts',
      'cli/bench/emulator', // switches of the emulator's library, which reads them itself
      'cli/bench/hubs/nats-server.ts', // the path, and the program that tests choose
      'cli/bench/memory-benchmark.ts',
      'cli/watch/secret-field.ts', // variables that the user's file names
      'client/local-engine.ts',
      'convert/toolkit/python-environment.ts',
      'convert/toolkit/toolkit-environment.ts',
      'platform/recording/process-facts.ts',
      'system/no-telemetry.ts',
      'system/settings.ts',
    ];
    const source = join(repositoryRoot, 'src');
    const readers = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => readFileSync(join(source, name), 'utf8').match(/process\.env\b/));
    assert.deepEqual(
      readers.filter((name) => !others.some((allowed) => name.startsWith(allowed))),
      [],
    );
  });
});
