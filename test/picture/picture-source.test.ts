import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultPictureLimits } from '../../src/picture/picture-limits';
import { readPicture } from '../../src/picture/picture-source';
import { demoFrame } from '../fixtures';
import { useTempFolder } from '../temp-folder';

const path = demoFrame('frame_05_porch_day.jpg');
const bytes = readFileSync(path);

describe('readPicture', () => {
  const temp = useTempFolder();
  const base64 = bytes.toString('base64');

  for (const [name, source] of [
    ['bytes', bytes],
    ['a path', path],
    ['a data URI', `data:image/jpeg;base64,${base64}`],
    ['a data URI with escaped base64', `data:image/jpeg;base64,${encodeURIComponent(base64)}`],
    ['a data URI with escaped bytes', `data:image/jpeg,${escape(bytes.toString('latin1'))}`],
    ['base64', base64],
    ['base64 in lines', base64.replaceAll(/.{76}/g, '$&\r\n')],
    ['base64 of a form, whose + became blanks', base64.replaceAll('+', ' ')],
    ['base64 with blanks between groups', base64.replaceAll(/.{76}/g, '$& ')],
    // Minutes, if the blanks were searched for a line's end from each of them.
    [
      'a data URI with many blanks',
      `data:image/jpeg;base64,${base64.slice(0, 400)}${' '.repeat(1_000_000)}${base64.slice(400)}`,
    ],
    ['base64 in indented lines', base64.replaceAll(/.{76}/g, '$& \t\n\n    ')],
    ['base64 for addresses', base64.replaceAll('+', '-').replaceAll('/', '_')],
  ] as const) {
    it(`reads ${name}`, async () => {
      assert.ok(bytes.equals(await readPicture(source)));
    });
  }

  it('reads a path that looks like base64', async () => {
    assert.deepEqual([...(await readPicture(await written('picture')))], [1, 2]);
    async function written(name: string): Promise<string> {
      await writeFile(temp(name), Buffer.from([1, 2]));
      return temp(name);
    }
  });

  for (const [name, source, code, message] of [
    ['a path to nothing', '/nowhere/at/all.jpg', 'image-missing', /"\/nowhere\/at\/all\.jpg"/],
    ['a folder', '/', 'image-missing', /not a regular file/],
    ['an endless device', '/dev/zero', 'image-missing', /not a regular file/],
    ['no text', '  ', 'image-source', /an empty string/],
    ['a stream', 'rtsp://me:secret@camera/live', 'image-source', /video stream: "rtsp:\/\/…@camera\/live"/],
    ['a file address', 'file:///media/porch.jpg', 'image-source', /expected a path/],
    ['an unknown scheme', 'ftp://camera/a.jpg', 'image-source', /expected an http\(s\) address/],
    [
      'a path of Home Assistant',
      '/api/camera_proxy/camera.porch?token=secret',
      'image-source',
      /porch\?token=…"/,
    ],
    ['a file address without slashes', 'file:/media/porch.jpg', 'image-source', /expected a path/],
    ['the text of a JPEG', bytes.toString('utf8'), 'image-text', /read as text/],
    ['the bytes of a JPEG as text', bytes.toString('latin1'), 'image-text', /a picture as a binary string/],
    ['a Buffer as JSON', JSON.stringify(bytes), 'image-source', /a Buffer as JSON text/],
    ['base64 in quotes', `"${base64}"`, 'image-source', /base64 that is damaged/],
    ['an escaped base64 text', encodeURIComponent(base64), 'image-source', /base64 that is damaged/],
    ['base64 with escaped slashes', base64.replaceAll('/', '\\/'), 'image-source', /base64 that is damaged/],
    ['a data URI in quotes', `"data:image/jpeg;base64,${base64}"`, 'image-source', /base64 that is damaged/],
    [
      'a data URI of a style',
      `url(data:image/jpeg;base64,${base64})`,
      'image-source',
      /base64 that is damaged/,
    ],
    [
      'hexadecimal digits with blanks',
      bytes.toString('hex').replaceAll(/../g, '$& '),
      'image-source',
      /hexadecimal digits/,
    ],
    [
      'base64 behind half a data URI',
      `image/jpeg;base64,${base64}`,
      'image-source',
      /base64 that is damaged/,
    ],
    ['hexadecimal digits', bytes.toString('hex'), 'image-source', /a picture in hexadecimal digits/],
    ['a missing value in text', 'undefined', 'image-source', /a value that was converted to text/],
    ['base64 that is cut', base64.slice(0, 1001), 'image-source', /base64 that is damaged/],
    ['a page', '<html><title>Login</title></html>', 'image-source', /the text of a page/],
    ['an error in JSON', '{"error": "offline"}', 'image-source', /JSON text: "\{"error": "offline"\}…"/],
    ['long text', 'no picture! '.repeat(1000), 'image-source', /text of 11999 characters/],
    ['a data URI without base64', 'data:text/plain,hello', 'image-source', /data URI with base64/],
  ] as const) {
    it(`names ${name}`, async () => {
      await assert.rejects(readPicture(source), { code, message });
    });
  }

  it('says how a picture that was read as text is kept whole', async () => {
    await assert.rejects(readPicture(bytes.toString('utf8')), { hint: /choose "a binary buffer"/ });
  });

  it('says that an address without http:// may be one', async () => {
    await assert.rejects(readPicture('192.168.1.20:8080/snap.jpg'), { hint: /write http:\/\/ before it/ });
    await assert.rejects(readPicture('media/snap.jpg'), { hint: /Check the path/ });
  });

  it('takes http:/ and http: for an address, as a browser does', async () => {
    for (const source of ['http:/127.0.0.1:1/snap.jpg', 'http:127.0.0.1:1/snap.jpg']) {
      await assert.rejects(readPicture(source), {
        code: 'image-fetch',
        message: /http:\/\/127\.0\.0\.1:1\/snap/,
      });
    }
  });

  it('does not wait for the writer of a named pipe', async () => {
    execFileSync('mkfifo', [temp('pipe')]);
    await assert.rejects(readPicture(temp('pipe')), { code: 'image-missing', message: /not a regular file/ });
  });

  it('refuses more bytes than the limit in every form', async () => {
    const limits = { ...defaultPictureLimits, maxBytes: 1000 };
    for (const source of [bytes, path, base64, `data:image/jpeg;base64,${base64}`]) {
      await assert.rejects(readPicture(source, limits), { code: 'image-too-large' });
    }
  });

  describe('by address', () => {
    let server: Server;
    let origin: string;
    let answer: (request: IncomingMessage, response: ServerResponse) => void;
    before(async () => {
      server = createServer((request, response) => answer(request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    it('fetches it, with user and password from the address, over a redirect', async () => {
      answer = (request, response) => {
        if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
        else if (request.headers.authorization !== `Basic ${Buffer.from('me:se cret').toString('base64')}`)
          response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
        else response.end(bytes);
      };
      const address = `${origin.replace('//', '//me:se%20cret@')}/old`;
      assert.ok(bytes.equals(await readPicture(address)));
    });

    it('says what the camera answered, without the password', async () => {
      answer = (_request, response) =>
        response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end('no');
      await assert.rejects(
        readPicture(`${origin.replace('//', '//me:secret@')}/snap`),
        (error: Error & { hint?: string; code?: string }) => {
          assert.match(error.message, /answered 401/);
          assert.match(error.hint ?? '', /user or password/);
          assert.ok(!error.message.includes('secret'));
          assert.equal(error.code, 'image-login');
          return true;
        },
      );
    });

    it('gives up on a camera that does not answer in time', async () => {
      answer = () => undefined;
      const limits = { ...defaultPictureLimits, fetchTimeoutMs: 100 };
      await assert.rejects(readPicture(origin, limits), { code: 'image-fetch', message: /within 100 ms/ });
    });

    it('stops reading a picture that never ends', async () => {
      answer = (_request, response) => {
        const more = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
        response.on('close', () => clearInterval(more));
      };
      const limits = { ...defaultPictureLimits, maxBytes: 200_000 };
      await assert.rejects(readPicture(origin, limits), { code: 'image-too-large' });
    });

    it('names a camera that is off', async () => {
      await assert.rejects(readPicture('http://127.0.0.1:9/snap.jpg'), {
        code: 'image-fetch',
        message: /127\.0\.0\.1:9/,
      });
    });
  });
});
