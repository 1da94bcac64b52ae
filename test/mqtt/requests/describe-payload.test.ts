import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describePayload } from '../../../src/mqtt/requests/describe-payload';
import { demoFrame } from '../../fixtures';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const base64 = street.toString('base64');
const of = (payload: string | object): ReturnType<typeof describePayload> =>
  describePayload(Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)));

describe('describe payload', () => {
  for (const [name, head] of [
    ['JPEG', [0xff, 0xd8, 0xff, 0xe0]],
    ['PNG', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
    ['WebP', [...Buffer.from('RIFF\x10\0\0\0WEBPVP8 ')]],
    ['GIF', [...Buffer.from('GIF89a\x01\0\x01\0')]],
    ['TIFF', [...Buffer.from('II*\0')]],
    ['AVIF', [...Buffer.from('\0\0\0\x1cftypavif')]],
  ] as const) {
    it(`takes ${name} bytes as the picture`, () => {
      const bytes = Buffer.from(head);
      assert.deepEqual(describePayload(bytes), { picture: bytes, request: {} });
    });
  }

  it("takes nothing, and what a button sends, as a request for the camera's own picture", () => {
    for (const text of ['', '  \n', 'PRESS']) assert.deepEqual(of(text), { request: {} });
    assert.deepEqual(of({}), { request: {} });
  });

  it('takes an address, a data URI and base64 text as the picture', () => {
    for (const text of ['http://cam/a.jpg?x=1', 'HTTPS://cam/b', `data:image/jpeg;base64,${base64}`]) {
      assert.deepEqual(of(` ${text}\n`), { picture: text, request: {} });
    }
    assert.deepEqual(of(base64), { picture: `data:;base64,${base64}`, request: {} });
    const wrapped = base64.replaceAll(/(.{76})/g, '$1\r\n');
    assert.deepEqual(of(wrapped), { picture: `data:;base64,${wrapped}`, request: {} });
  });

  it('takes any other text as a question', () => {
    for (const text of [
      'Is it night?',
      'Ist das Tor zu?',
      '/etc/passwd',
      'file:///etc/passwd',
      'http:// is odd',
      'yes',
    ]) {
      assert.deepEqual(of(text), { request: { prompt: text } });
    }
  });

  it('hands a web page on as the picture, so that the engine names it', () => {
    const page = Buffer.from('<html><title>Login</title></html>');
    assert.deepEqual(describePayload(page), { picture: page, request: {} });
  });

  it('reads every field of JSON', () => {
    const whole = {
      picture: 'QUJD',
      prompt: 'Which?',
      choices: ['a', 'b'],
      detail: 'full',
      priority: 3,
      capturedAt: '2026-01-02T03:04:05.000Z',
      crop: { x: 0, y: 0, width: 1, height: 1 },
      masks: [],
      maxTokens: 20,
      deadline: 1.5,
      id: 7,
      label: 'cat',
    };
    const { picture, maxTokens, deadline, id, label, ...rest } = whole;
    assert.deepEqual(of(whole), {
      picture: `data:;base64,${picture}`,
      id: String(id),
      label,
      request: { ...rest, maxNewTokens: maxTokens, deadlineMs: 1000 * deadline },
    });
    assert.deepEqual(of({ image: null, url: 'http://cam/a' }), { picture: 'http://cam/a', request: {} });
  });

  it('reads the time of the picture as the caption node does', () => {
    for (const capturedAt of ['2026-01-02T04:04:05+01:00', 1767323045, 1767323045000, '1767323045']) {
      assert.deepEqual(of({ capturedAt }), { request: { capturedAt: '2026-01-02T03:04:05.000Z' } });
    }
  });

  for (const [name, payload, words] of [
    [
      'a time in words',
      { capturedAt: 'yesterday' },
      /capturedAt: expected a time in ISO 8601, .*"yesterday"/,
    ],
    ['broken JSON', '{"prompt": ', /it is not JSON/],
    ['a misspelt field', { promt: 'x' }, /"promt" is unknown/],
    ['two pictures', { picture: 'QUJD', url: 'http://a' }, /expected one picture, received picture and url/],
    [
      'a path',
      { picture: '/etc/passwd.' },
      /picture: expected base64, a data URI or an http\(s\) address, received "\/etc/,
    ],
    ['a file address', { url: 'file:///etc/passwd' }, /url: expected an http\(s\) address/],
    ['base64 as an address', { url: 'QUJD' }, /url: expected an http\(s\) address/],
    ['a picture that is a number', { picture: 7 }, /received 7/],
    ['a deadline of nothing', { deadline: 0 }, /deadline: expected a number above 0, received 0/],
    ['a length in words', { maxTokens: 'ten' }, /maxTokens: expected a number above 0, received "ten"/],
    ['a prompt that is not a string', { prompt: ['x'] }, /prompt: expected a string, received \["x"\]/],
    ['an id that is a list', { id: [] }, /id: expected a string/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => of(payload), {
        code: 'mqtt-request',
        message: words,
        hint: /JSON with any of picture/,
      });
    });
  }
});
