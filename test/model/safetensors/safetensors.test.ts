import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { SafetensorsFile } from '../../../src/model/safetensors/safetensors';
import { fixture } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

/** A file with a header and a number of bytes after it. */
async function writeRaw(path: string, header: string | object, dataBytes: number): Promise<string> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(path, Buffer.concat([length, json, Buffer.alloc(dataBytes, 1)]));
  return path;
}

describe('SafetensorsFile', () => {
  const temp = useTempFolder();
  const refuses = async (header: string | object, dataBytes: number, code: string, words: RegExp) =>
    assert.rejects(SafetensorsFile.open(await writeRaw(temp('x.safetensors'), header, dataBytes)), {
      code,
      message: words,
    });

  it('converts every float and byte format exactly', async () => {
    const path = temp('formats.safetensors');
    const header = {
      bf16: { dtype: 'BF16', shape: [3], data_offsets: [0, 6] },
      f16: { dtype: 'F16', shape: [6], data_offsets: [6, 18] },
      f32: { dtype: 'F32', shape: [1], data_offsets: [18, 22] },
      i8: { dtype: 'I8', shape: [2], data_offsets: [22, 24] },
      u8: { dtype: 'U8', shape: [2], data_offsets: [24, 26] },
    };
    await writeRaw(path, header, 26);
    const bytes = await readFile(path);
    const data = bytes.subarray(bytes.length - 26);
    for (const [i, half] of [0x3f80, 0xc049, 0x0001].entries()) data.writeUInt16LE(half, 2 * i);
    for (const [i, half] of [0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0x7e00].entries()) {
      data.writeUInt16LE(half, 6 + 2 * i);
    }
    data.writeFloatLE(0.1, 18);
    data.set([0x80, 0x7f, 0x80, 0xff], 22);
    await writeFile(path, bytes);

    const file = await SafetensorsFile.open(path);
    assert.deepEqual([...(await file.read('bf16'))], [1, -3.140625, 2 ** -133]);
    assert.deepEqual(
      [...(await file.read('f16'))],
      [1, -2, 2 ** -24, 65504, Number.NEGATIVE_INFINITY, Number.NaN],
    );
    assert.deepEqual([...(await file.read('f32'))], [Math.fround(0.1)]);
    assert.deepEqual([...(await file.read('i8'))], [-128, 127]);
    assert.deepEqual([...(await file.read('u8'))], [128, 255]);
    await file.close();
  });

  it('reads a range of elements and the stored bytes', async () => {
    const file = await SafetensorsFile.open(fixture('goldens', 'tiny-idefics3', 'model.safetensors'));
    const name = 'model.text_model.embed_tokens.weight';
    const whole = await file.read(name);
    assert.equal(whole.length, 49280 * 48);
    assert.deepEqual(await file.read(name, 48, 96), whole.slice(48, 96));
    const bytes = await file.readBytes(name, 48, 50);
    assert.equal(Buffer.from(bytes).readUInt16LE(0), new Uint32Array(whole.buffer)[48]! >>> 16);
    await assert.rejects(file.read(name, 0, whole.length + 1), /elements 0 to 2365441 are not within/);
    await file.close();
  });

  it('names the first tensor that is missing in a file cut short', async () => {
    const path = temp('cut.safetensors');
    await writeFile(path, await readFile(fixture('goldens', 'tiny-idefics3', 'model.safetensors')));
    await truncate(path, 5_000_000);
    await assert.rejects(SafetensorsFile.open(path), {
      code: 'checkpoint-truncated',
      message: /cut short: model\.text_model\.embed_tokens\.weight ends at byte 9588008, the file at 5000000/,
    });
    await truncate(path, 1000);
    await assert.rejects(
      SafetensorsFile.open(path),
      /cut short: the header ends at byte 27944, the file at 1000/,
    );
    await truncate(path, 4);
    await assert.rejects(SafetensorsFile.open(path), /4 bytes are too few for a header/);
  });

  it('names the tensor when the file is cut after it was opened', async () => {
    const path = await writeRaw(
      temp('x.safetensors'),
      { a: { dtype: 'U8', shape: [9], data_offsets: [0, 9] } },
      9,
    );
    const file = await SafetensorsFile.open(path);
    await truncate(path, 60);
    await assert.rejects(file.read('a'), { code: 'checkpoint-truncated', message: /a ends at byte/ });
    await file.close();
  });

  it('refuses two tensors that share bytes', () =>
    refuses(
      {
        a: { dtype: 'F16', shape: [4], data_offsets: [0, 8] },
        b: { dtype: 'F16', shape: [4], data_offsets: [6, 14] },
      },
      14,
      'checkpoint-overlap',
      /b overlaps a/,
    ));

  it('refuses bytes that are not part of a tensor', async () => {
    const a = { dtype: 'U8', shape: [4], data_offsets: [0, 4] };
    await refuses({ a, b: { ...a, data_offsets: [6, 10] } }, 10, 'checkpoint-header', /2 bytes before b/);
    await refuses({ a }, 5, 'checkpoint-header', /1 bytes after the last tensor/);
  });

  it('refuses an unknown number format, and one that it cannot convert to float32', async () => {
    await refuses(
      { a: { dtype: 'Q4', shape: [4], data_offsets: [0, 4] } },
      4,
      'checkpoint-dtype',
      /a: expected a number format .* received "Q4"/,
    );
    const path = await writeRaw(
      temp('i.safetensors'),
      { a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } },
      8,
    );
    const file = await SafetensorsFile.open(path);
    await assert.rejects(file.read('a'), {
      code: 'checkpoint-dtype',
      message: /a: expected BF16.*received I64/,
    });
    assert.equal((await file.readBytes('a')).length, 8);
    await file.close();
  });

  it('refuses a shape that does not fill the bytes given', () =>
    refuses(
      { a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 20] } },
      20,
      'checkpoint-header',
      /a: F32 \[2, 3\] takes 24 bytes, but data_offsets give it 20/,
    ));

  it('refuses a name listed twice, which JSON.parse would hide', () =>
    refuses(
      '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
      2,
      'checkpoint-header',
      /the tensor a is listed twice/,
    ));

  it('refuses a header that is not JSON, not an object, or too long', async () => {
    await refuses('{"a"', 0, 'checkpoint-header', /the header is not JSON/);
    await refuses('[]', 0, 'checkpoint-header', /expected a JSON object, received \[\]/);
    await refuses({ a: 3 }, 0, 'checkpoint-header', /a: expected an object, received 3/);
    await refuses(
      { a: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } },
      1,
      'checkpoint-header',
      /a: shape/,
    );
    await refuses(
      { a: { dtype: 'U8', shape: [1], data_offsets: [1, 0] } },
      1,
      'checkpoint-header',
      /a: data_offsets/,
    );
    const path = temp('html.safetensors');
    await writeFile(path, '<!doctype html><html>not found</html>');
    await assert.rejects(SafetensorsFile.open(path), /expected a header of at most 100000000 bytes/);
  });
});
