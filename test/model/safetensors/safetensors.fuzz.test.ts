import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { SmolvlmError } from '../../../src/errors';
import { parseSafetensorsHeader } from '../../../src/model/safetensors/safetensors-header';
import { repositoryRoot } from '../../fixtures';
import { fuzz, fuzzTimeoutMs, mutatedJson, mutatedText } from '../../fuzz';

const header = {
  __metadata__: { format: 'pt' },
  'a.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
  'b.weight': { dtype: 'BF16', shape: [4], data_offsets: [24, 32] },
  scalar: { dtype: 'F16', shape: [], data_offsets: [32, 34] },
};

/** Parses; whatever is accepted describes bytes that are in the file, once each. */
function check(text: string, fileBytes: number): void {
  const dataOffset = 8 + Buffer.byteLength(text);
  let parsed: ReturnType<typeof parseSafetensorsHeader>;
  try {
    parsed = parseSafetensorsHeader(text, dataOffset, dataOffset + fileBytes, 'model.safetensors');
  } catch (error) {
    assert.ok(error instanceof SmolvlmError, String(error));
    assert.match(error.message, /model\.safetensors/);
    return;
  }
  let end = dataOffset;
  for (const { offset, byteLength, elements } of parsed.tensors) {
    assert.equal(offset, end);
    assert.ok(byteLength >= 0 && Number.isSafeInteger(elements));
    end += byteLength;
  }
  assert.equal(end, dataOffset + fileBytes);
}

describe('safetensors headers, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('with any value in any place are parsed, or refused by an error that names the file', async () => {
    await fuzz(
      fc.property(mutatedJson(header), fc.nat({ max: 40 }), (json, size) =>
        check(JSON.stringify(json) ?? '', size),
      ),
    );
  });

  it('with damaged text are parsed, or refused by an error that names the file', async () => {
    await fuzz(fc.property(mutatedText(JSON.stringify(header)), (text) => check(text, 34)));
  });

  it('of a real checkpoint, damaged, likewise', async () => {
    const bytes = readFileSync(join(repositoryRoot, 'models', 'demo', 'model.safetensors'));
    const length = Number(bytes.readBigUInt64LE(0));
    const text = bytes.toString('utf8', 8, 8 + length);
    await fuzz(fc.property(mutatedText(text), (damaged) => check(damaged, bytes.length - 8 - length)));
  });
});
