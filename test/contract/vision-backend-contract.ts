import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VisionBackend } from '../../src/backends/stage-runner';
import type { BundleStage } from '../../src/model/bundle/bundle-manifest';
import { cosine } from '../cosine';
import { seededValues } from '../model/safetensors/memory-tensors';

/** One stage on disk and the function it computes, to test a backend. */
export interface ContractStage {
  readonly bundleDir: string;
  readonly stage: BundleStage;
  /** The stage's function in double precision. */
  reference(input: Float32Array): Float32Array;
}

export interface VisionBackendContract {
  /** Opens a new backend. */
  open(): Promise<VisionBackend>;
  /** Makes the stage in a folder the suite removes. */
  stage(dir: string): Promise<ContractStage>;
  /** Minimum cosine to the reference: 0.99999 in float32. */
  readonly cosine: number;
}

/** The behaviour of every backend that the pipeline relies on. */
export function describeVisionBackend(name: string, contract: VisionBackendContract): void {
  describe(`the vision backend ${name}`, () => {
    let dir: string;
    let made: ContractStage;
    let backend: VisionBackend;
    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'smolvlm-contract-'));
      await mkdir(join(dir, 'bundle'));
      made = await contract.stage(join(dir, 'bundle'));
    });
    after(() => rm(dir, { recursive: true, force: true }));
    beforeEach(async () => {
      backend = await contract.open();
    });
    afterEach(() => backend.close());

    const sample = (seed: number): Float32Array =>
      seededValues(
        made.stage.input.shape.reduce((product, size) => product * size, 1),
        seed,
      );

    it('computes the stage', async () => {
      const runner = await backend.openStage(made.bundleDir, made.stage);
      const output = await runner.run(sample(1));
      const angle = cosine(output, made.reference(sample(1)));
      assert.ok(angle >= contract.cosine, `cosine ${angle}`);
    });

    it('returns outputs that a later run does not overwrite, and does not change inputs', async () => {
      const runner = await backend.openStage(made.bundleDir, made.stage);
      const input = sample(1);
      const first = await runner.run(input);
      const copy = Float32Array.from(first);
      await runner.run(sample(2));
      assert.deepEqual(first, copy);
      assert.deepEqual(input, sample(1));
    });

    it('returns the same output for the same input', async () => {
      const runner = await backend.openStage(made.bundleDir, made.stage);
      assert.deepEqual(await runner.run(sample(3)), await runner.run(sample(3)));
    });

    it('refuses an input of another size, and continues to work', async () => {
      const runner = await backend.openStage(made.bundleDir, made.stage);
      await assert.rejects(runner.run(new Float32Array(3)), { code: 'stage-input', message: /received 3/ });
      await runner.run(sample(1));
    });

    it('refuses a file that is not a stage, naming it', async () => {
      const broken = join(dir, 'broken');
      await cp(made.bundleDir, broken, { recursive: true });
      await truncate(join(broken, made.stage.file.path), 100);
      await assert.rejects(backend.openStage(broken, made.stage), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'stage-load');
        assert.ok(error.message.includes(made.stage.file.path), error.message);
        return true;
      });
    });

    it('refuses a stage whose tensors differ from the manifest', async () => {
      const [first = 1, ...rest] = made.stage.input.shape;
      const stage = {
        ...made.stage,
        input: { ...made.stage.input, shape: [first, ...rest.slice(0, -1), 8] },
      };
      await assert.rejects(backend.openStage(made.bundleDir, stage), { code: 'stage-contract' });
    });

    it('waits for the current run before it closes', async () => {
      const runner = await backend.openStage(made.bundleDir, made.stage);
      const running = runner.run(sample(1));
      await runner.close();
      assert.ok(cosine(await running, made.reference(sample(1))) >= contract.cosine);
    });

    it('closes a runner twice without harm, and every open runner with the backend', async () => {
      const runner = await backend.openStage(made.bundleDir, made.stage);
      await runner.close();
      await runner.close();
      const other = await backend.openStage(made.bundleDir, made.stage);
      await backend.close();
      await assert.rejects(other.run(sample(1)), { code: 'stage-closed' });
    });
  });
}
