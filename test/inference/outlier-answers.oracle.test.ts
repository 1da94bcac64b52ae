import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openCaptioner } from '../../src/inference/captioner';
import type { Captioner } from '../../src/inference/inference';
import * as presets from '../../src/node-red/caption/presets';
import { demoModel, repositoryRoot } from '../fixtures';
import { useTempFolder } from '../temp-folder';

/** Answers by preset. */
type Answers = Readonly<Record<string, readonly { readonly text: string }[]>>;

interface PresetAnswers {
  presetAnswers(captioner: Captioner, all: typeof presets, frames: string): Promise<Answers>;
  comparedAnswers(
    answers: Answers,
    reference: Answers,
  ): Record<string, { same: number; of: number; difference: number }>;
}

const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
const script = pathToFileURL(join(repositoryRoot, 'scripts', 'fidelity', 'preset-answers.mjs')).href;
const frames = join(repositoryRoot, 'models', 'demo-frames');

describe('the demo model with planted outliers, in the default precision', function () {
  this.timeout(600_000);
  const temp = useTempFolder();
  let scripts: PresetAnswers;
  let reference: Answers;

  async function answers(model: string, precision?: 'float32'): Promise<Answers> {
    const captioner = await openCaptioner({ model, ...(precision && { precision }) });
    try {
      return await scripts.presetAnswers(captioner, presets, frames);
    } finally {
      await captioner.close();
    }
  }

  before(async () => {
    scripts = await import(script);
    reference = await answers(demoModel, 'float32');
  });

  // The same weights are equalised from any power of two, so 8, 32 and 128 are one case.
  for (const [factor, channels, seed] of [
    ['128', '8', '21'],
    ['13', '9', '15'],
    ['50', '5', '14'],
  ] as const) {
    it(`answers every preset about every frame as float32 does without them: ${channels} channels × ${factor}, seed ${seed}`, async () => {
      const planted = ['--factor', factor, '--channels', channels, '--seed', seed];
      const paths = ['--model', demoModel, '--out', temp('model')];
      const made = spawnSync(process.execPath, [main, 'inspect', 'outlier-checkpoint', ...paths, ...planted]);
      assert.equal(made.status, 0, made.stderr.toString());
      const compared = scripts.comparedAnswers(await answers(temp('model')), reference);
      for (const [preset, { same, of, difference }] of Object.entries(compared)) {
        assert.equal(same, of, preset);
        assert.ok(difference <= 0.015, `${preset}: a probability differs by ${difference}`);
      }
    });
  }
});
