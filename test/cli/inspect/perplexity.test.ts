import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { useTempFolder } from '../../temp-folder';
import { runSmolvlmHere } from '../run-smolvlm-here';

describe('smolvlm inspect perplexity', function () {
  this.timeout(60_000);
  const temp = useTempFolder();
  const caption = 'A person in a yellow jacket stands on the left of the street during the day.';

  function perplexity(...args: string[]) {
    return runSmolvlmHere(['inspect', 'perplexity', '--model', 'demo', '--json', ...args]);
  }

  it('measures the quantised decoders of the demo model against float32', async () => {
    await writeFile(temp('text.txt'), caption);
    const measured: Record<
      string,
      { perplexity: number; against_perplexity: number; top1_agreement: number }
    > = {};
    for (const precision of ['int8', 'int4']) {
      const args = ['--text-file', temp('text.txt'), '--precision', precision, '--against', 'float32'];
      const { stdout, stderr } = await perplexity(...args);
      assert.notEqual(stdout, '', stderr);
      measured[precision] = JSON.parse(stdout);
    }
    const { int8, int4 } = measured as { int8: (typeof measured)[string]; int4: (typeof measured)[string] };
    assert.equal(int8.against_perplexity, int4.against_perplexity);
    const ratio = (each: typeof int8): number => each.perplexity / each.against_perplexity;
    assert.ok(ratio(int8) < 1.03 && int8.top1_agreement >= 0.9, JSON.stringify(int8));
    assert.ok(ratio(int4) < 1.5, JSON.stringify(int4));
  });

  it('names a text file that cannot be read', async () => {
    const { status, stderr } = await perplexity('--text-file', temp('missing.txt'));
    assert.equal(status, 2);
    assert.match(stderr, /--text-file: ENOENT/);
  });
});
