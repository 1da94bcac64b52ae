import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { demoFrame } from '../fixtures';
import { SmallConversion } from './convert/small-conversion';
import { runSmolvlm } from './run-smolvlm';

/** Random weights with one calibration frame are coarser in INT8 than trained ones. */
const loose = ['--stage-cosine', '0.99', '--tower-cosine', '0.99'];

describe('smolvlm convert and validate', function () {
  this.timeout(300_000);
  const small = new SmallConversion();
  let folder: string;
  let python: string;
  let model: string;
  let frames: string;

  before(async () => {
    await small.prepare();
    ({ folder, python, model, frames } = small);
  });
  after(() => small.remove());

  it('makes a bundle with its stages, reference, decoder and conversion settings', async () => {
    const out = join(folder, 'hybrid');
    const { status, stdout, stderr } = await runSmolvlm(
      small.arguments(out, '--precision', 'hybrid', '--int8-layers', '1', ...loose),
    );
    assert.equal(status, 0, stderr);
    const { path, manifest, report } = JSON.parse(stdout);
    assert.equal(path, out);
    assert.deepEqual(
      manifest.stages.map(({ name, precision, core }: Record<string, unknown>) => [name, precision, core]),
      [
        ['l0_attn', 'fp16', 0],
        ['l0_mlp', 'fp16', 0],
        ['l1_attn', 'int8', 1],
        ['l1_mlp', 'int8', 1],
      ],
    );
    assert.deepEqual(manifest.conversion.calibrationFrames, 1);
    assert.equal(manifest.toolkitVersion, '2.3.2');
    assert.equal(report.stages[2].precision, 'int8');
    assert.ok(report.tower_cosine > 0.99 && report.peak_rss_bytes > 1e8);
    assert.deepEqual(
      (await readdir(out)).filter((name) => /\.rknn$|bundle|valid|work|parts/.test(name)).sort(),
      [
        'l0_attn.rknn',
        'l0_mlp.rknn',
        'l1_attn.rknn',
        'l1_mlp.rknn',
        'smolvlm-bundle.json',
        'validation.safetensors',
      ],
    );
    // 4 stages, as many for the CPU, 3 host parts, decoder, RKLLM's (left out here), reference.
    assert.match(stderr, /^l1_mlp \(\d+\/14, about \d+ s left\)$/m);
    assert.match(stderr, /^validation \(14\/14, about 0 s left\)$/m);
    assert.match(stderr, /no decoder for the NPU.*rkllm-toolkit/);
    assert.equal(report.npu_decoder, false);
  });

  it('converts under variables that redirect Python and pip and without a TMPDIR, and names what it leaves out', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'numpy.py'), 'raise SystemExit("the numpy of PYTHONPATH")');
    const hostile = {
      ...{
        PYTHONPATH: elsewhere,
        PYTHONHOME: '/nowhere',
        PYTHONWARNINGS: 'error',
        CONDA_PREFIX: '/opt/conda',
      },
      ...{ PIP_USER: '1', PIP_TARGET: elsewhere, PIP_REQUIRE_VIRTUALENV: '1', TMPDIR: '/nowhere' },
      SMOLVLM_CACHE: join(folder, 'cache'),
    };
    const out = join(folder, 'hostile');
    const made = await runSmolvlm(small.arguments(out), hostile);
    assert.equal(made.status, 0, made.stderr);
    assert.match(
      made.stderr,
      /not passed on to Python: CONDA_PREFIX, PIP_REQUIRE_VIRTUALENV, PIP_TARGET, PIP_USER, PYTHONHOME, PYTHONPATH, PYTHONWARNINGS/,
    );
    const caption = ['caption', '--model', out, '--image', demoFrame('frame_01_driveway_day.jpg')];
    const captioned = await runSmolvlm([...caption, '--max-new-tokens', '4', '--json'], hostile);
    assert.equal(captioned.status, 0, captioned.stderr);
    // The checkpoint is found where it was converted from.
    const validated = ['validate', out, '--backend', 'simulator', '--python', python, '--json'];
    const { status, stderr } = await runSmolvlm(validated, { SMOLVLM_CACHE: hostile.SMOLVLM_CACHE });
    assert.equal(status, 0, stderr);
  });

  it('refuses an unknown toolkit, and one that is not at the given path', async () => {
    const unknown = await runSmolvlm(small.arguments(join(folder, 'none'), '--toolkit', '2.2.0'));
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /--toolkit.*2\.3\.2.*2\.5\.0/);
    const other = await runSmolvlm(small.arguments(join(folder, 'none'), '--toolkit', '2.5.0'));
    assert.equal(other.status, 1);
    assert.match(other.stderr, /expected rknn-toolkit2 2\.5\.0, found 2\.3\.2 \[toolkit-version\]/);
  });

  it('validates it in the simulator, draws the chart, and fails when a bound is missed', async () => {
    const chart = join(folder, 'chart.svg');
    const fixed = ['--model', model, '--calibration', frames, '--python', python, '--json'];
    const good = await runSmolvlm(['validate', join(folder, 'hybrid'), ...fixed, ...loose, '--chart', chart]);
    assert.equal(good.status, 0, good.stderr);
    const { pass, end_to_end_cosine, stages, backend } = JSON.parse(good.stdout);
    assert.deepEqual([pass, backend, stages.length], [true, 'simulator', 4]);
    assert.ok(end_to_end_cosine > 0.99 && end_to_end_cosine < 1);
    assert.ok(stages[2].cosine < stages[0].cosine, 'INT8 is further off than fp16');
    assert.match(await readFile(chart, 'utf8'), /l1_mlp int8/);
  });

  it('validates the stages for the CPU beside them, and exits with 1 when a bound is missed', async () => {
    const validate = ['validate', join(folder, 'hybrid'), '--backend', 'cpu', '--json'];
    const picture = join(folder, 'chart.png');
    const good = await runSmolvlm([...validate, ...loose, '--chart', picture]);
    assert.equal(good.status, 0, good.stderr);
    const { backend, stages } = JSON.parse(good.stdout);
    assert.deepEqual([backend, stages[0].precision], ['onnxruntime', 'int8']);
    const { format, width } = await sharp(picture).metadata();
    assert.deepEqual([format, width], ['png', 1920]);
    const bad = await runSmolvlm([...validate, '--stage-cosine', '0.9999999999']);
    assert.equal(bad.status, 1);
    assert.equal(JSON.parse(bad.stdout).pass, false);
    const odd = await runSmolvlm([...validate, '--chart', join(folder, 'chart.pdf')]);
    assert.equal(odd.status, 2);
    assert.match(odd.stderr, /--chart: expected a name that ends with \.svg or \.png/);
  });

  it('makes whole layers for the two cores of an RK3576, and the whole tower as one stage', async () => {
    const made = async (out: string, ...more: string[]) => {
      const fixed = ['convert', '--model', model, '--out', join(folder, out), '--calibration', frames];
      const sizes = ['--query-rows', '1024', '--no-cpu-stages', '--python', python, '--json'];
      const { status, stdout, stderr } = await runSmolvlm([...fixed, ...sizes, ...more]);
      assert.equal(status, 0, stderr);
      const { manifest } = JSON.parse(stdout);
      return manifest.stages.map(({ name, core }: Record<string, unknown>) => [name, core]);
    };
    assert.deepEqual(await made('layers', '--target', 'rk3576', '--granularity', 'layer'), [
      ['l0', 0],
      ['l1', 1],
    ]);
    assert.deepEqual(await made('tower', '--target', 'rk3588', '--granularity', 'tower'), [
      ['vision', undefined],
    ]);
  });

  it('reports before any work that this machine cannot convert', async () => {
    const arm = join(folder, 'arm.cjs');
    await writeFile(arm, "Object.defineProperty(process, 'arch', { value: 'arm64' });");
    const { status, stderr } = await runSmolvlm(small.arguments(join(folder, 'arm')), {}, ['--require', arm]);
    assert.equal(status, 1);
    assert.match(stderr, /x86-64; this machine is linux on arm64 \[convert-machine\].*on a PC/s);
  });

  for (const [title, args, told] of [
    ['layers the tower does not have', ['--precision', 'hybrid'], /layers from 0 to 1.* received "2,3,4"/],
    ['a list of layers with a gap', ['--precision', 'hybrid', '--int8-layers', '1,,0'], /received "1,,0"/],
    ['INT8 layers without hybrid', ['--int8-layers', '1'], /only for --precision hybrid, not fp16/],
    [
      'a part of the one stage in INT8',
      ['--precision', 'hybrid', '--int8-layers', '1', '--granularity', 'tower'],
      /either INT8 or fp16/,
    ],
  ] as const) {
    it(`is a usage error with ${title}`, async () => {
      const { status, stderr } = await runSmolvlm(small.arguments(join(folder, 'usage'), ...args));
      assert.equal(status, 2);
      assert.match(stderr, told);
    });
  }

  it('names the shard that misses its bound, and leaves no bundle', async () => {
    const out = join(folder, 'bound');
    const { status, stderr } = await runSmolvlm(small.arguments(out, '--stage-cosine', '0.99999999999'));
    assert.equal(status, 1);
    assert.match(
      stderr,
      /l0_attn: expected a cosine .* at least 0\.99999999999, received [\d.]+ in fp16 \[convert-bound\]/,
    );
    assert.ok(!existsSync(out));
  });

  it('names the file of a checkpoint that cannot be read', async () => {
    const broken = join(folder, 'broken');
    await cp(model, broken, { recursive: true });
    await truncate(join(broken, 'model.safetensors'), 100_000);
    const { status, stderr } = await runSmolvlm([
      'convert',
      '--model',
      broken,
      '--out',
      join(folder, 'x'),
      '--target',
      'rk3588',
    ]);
    assert.equal(status, 1);
    assert.match(stderr, /model\.safetensors: is cut short.*\[checkpoint-truncated\]/);
  });

  it('does not replace a folder that is not a bundle', async () => {
    await mkdir(join(folder, 'photos'));
    await writeFile(join(folder, 'photos', 'holiday.jpg'), 'x');
    const { status, stderr } = await runSmolvlm(small.arguments(join(folder, 'photos')));
    assert.equal(status, 1);
    assert.match(stderr, /holiday\.jpg.*\[bundle-place\]/);
  });

  it('converts for the CPU with a reference, and validates there', async () => {
    const out = join(folder, 'cpu');
    const fixed = ['--model', model, '--out', out, '--target', 'cpu', '--calibration', frames, '--json'];
    const made = await runSmolvlm(['convert', ...fixed, '--precision', 'float32']);
    assert.equal(made.status, 0, made.stderr);
    const { status, stdout } = await runSmolvlm(['validate', out, '--json']);
    const { pass, stages, end_to_end_cosine } = JSON.parse(stdout);
    assert.deepEqual([status, pass, stages.length], [0, true, 4]);
    assert.ok(end_to_end_cosine > 0.9999999);
  });

  it('is a usage error without target', async () => {
    const { status, stderr } = await runSmolvlm(['convert', '--model', model, '--out', join(folder, 'y')]);
    assert.equal(status, 2);
    assert.match(stderr, /--target is missing/);
  });
});
