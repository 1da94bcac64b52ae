import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { splitMultipart } from '../../../../src/server/http/bodies/multipart';

const type = 'multipart/form-data; boundary=limit';
const split = (text: string, contentType = type) => splitMultipart(contentType, Buffer.from(text, 'latin1'));

const request = '--limit\r\ncontent-disposition: form-data; name="request"\r\n\r\n{}';
const image =
  '--limit\r\nContent-Type: image/jpeg\r\nContent-Disposition: form-data; filename="a; name=b"; name=image\r\n\r\nbytes';

describe('a multipart body', () => {
  it('is split as the platform’s own parser does, whatever bytes a picture has', async () => {
    for (const sizeBytes of [0, 1, 5000, 200_000]) {
      const picture = randomBytes(sizeBytes);
      const form = new FormData();
      form.append('request', '{"prompt":"Wer ist da? ☂"}');
      form.append('image', new Blob([picture]), 'främe "1".jpg');
      form.append('image', new Blob(['\r\n--limit\r\n\r\n--']), 'x');
      const sent = new Response(form);
      const body = Buffer.from(await sent.arrayBuffer());
      const parts = splitMultipart(sent.headers.get('content-type') ?? '', body);
      assert.deepEqual(
        parts?.map(({ name, isFile }) => [name, isFile]),
        [
          ['request', false],
          ['image', true],
          ['image', true],
        ],
      );
      assert.equal(parts?.[0]?.content.toString(), '{"prompt":"Wer ist da? ☂"}');
      assert.ok(parts?.[1]?.content.equals(picture));
      assert.equal(parts?.[1]?.content.buffer, body.buffer, 'the picture is not copied');
      assert.equal(parts?.[2]?.content.toString(), '\r\n--limit\r\n\r\n--');
    }
  });

  it('has names and file names in any order, with or without quotes', () => {
    const parts = split(`${request}\r\n${image}\r\n--limit--\r\n`);
    assert.deepEqual(
      parts?.map(({ name, isFile, content }) => [name, isFile, content.toString()]),
      [
        ['request', false, '{}'],
        ['image', true, 'bytes'],
      ],
    );
    assert.equal(split(`${request}\r\n--limit--`, 'Multipart/Form-Data; Boundary="limit"')?.length, 1);
  });

  it('is refused when it is incomplete or malformed', () => {
    const whole = `${request}\r\n${image}\r\n--limit--`;
    assert.ok(split(whole));
    for (let length = 0; length < whole.length; length++)
      assert.equal(split(whole.slice(0, length)), undefined);
    assert.equal(split(whole, 'application/json'), undefined);
    assert.equal(split(whole, 'multipart/form-data'), undefined);
    assert.equal(split(whole, 'multipart/form-data; boundary=other'), undefined);
    assert.equal(split('--limit\r\n\r\nno name\r\n--limit--'), undefined);
    assert.equal(split('--limitless\r\n\r\n--limitless--'), undefined);
  });
});
