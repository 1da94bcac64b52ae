import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { messagePictures } from '../../src/node-red/message-pictures';

const { signal } = new AbortController();
const bytes = [0xff, 0xd8, 0xff, 0xe0];

describe('messagePictures', () => {
  for (const [name, value] of [
    ['a Buffer', Buffer.from(bytes)],
    ['an ArrayBuffer', Uint8Array.from(bytes).buffer],
    ['a DataView', new DataView(Uint8Array.from(bytes).buffer)],
    ['the Uint8Array of a function node', runInNewContext(`new Uint8Array(${JSON.stringify(bytes)})`)],
    [
      'the ArrayBuffer of a function node',
      runInNewContext(`new Uint8Array(${JSON.stringify(bytes)}).buffer`),
    ],
    ['a Buffer that was converted to JSON and back', JSON.parse(JSON.stringify(Buffer.from(bytes)))],
  ] as const) {
    it(`takes ${name}`, async () => {
      const [picture] = await messagePictures(value, signal);
      assert.deepEqual([...picture!], bytes);
    });
  }

  it('fails once for a list with several faults', async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on('unhandledRejection', hear);
    try {
      await assert.rejects(messagePictures([join(__dirname, 'none.jpg'), 5], signal), { code: /^image-/ });
      await assert.rejects(readFile(join(__dirname, 'none.jpg')));
      await new Promise(setImmediate);
    } finally {
      process.off('unhandledRejection', hear);
    }
    assert.deepEqual(unheard, []);
  });

  it('refuses a converted Buffer that is longer than any picture before it allocates memory for it', async () => {
    const value = { type: 'Buffer', data: new Array(4e9) };
    await assert.rejects(messagePictures(value, signal), { code: 'image-too-large' });
  });

  for (const [name, value, message, hint] of [
    ['an array of bytes', bytes, /array of 4 numbers/, /Buffer\.from\(msg\.payload\)/],
    ['arrays of bytes', [bytes], /array of 4 numbers/, /Buffer\.from\(msg\.payload\)/],
    [
      'bytes in an object',
      { data: bytes },
      /an object that holds bytes/,
      /Buffer\.from\(msg\.payload\.data\)/,
    ],
    ['bytes by their index', { ...bytes }, /an object that holds bytes/, /Object\.values/],
    ['an object', { url: 'http://camera/' }, /a value of type object/, /property that holds the picture/],
    ['nothing', undefined, /a value of type undefined/, /property that holds the picture/],
    [
      'nested arrays',
      [[new Uint8Array(bytes)]],
      /an array of 1 in an array/,
      /property that holds the picture/,
    ],
    [
      'an array with holes',
      Object.assign(new Array(2), { 0: new Uint8Array(bytes) }),
      /type undefined/,
      /property that holds the picture/,
    ],
    ['an empty array', [], /an empty array/, /property that holds the picture/],
  ] as const) {
    it(`names ${name}`, async () => {
      await assert.rejects(messagePictures(value, signal), { code: 'image-source', message, hint });
    });
  }
});
