import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../setup.mjs';

const require = createRequire(import.meta.url);
const { RawCamera, raw, rawPicture, rawUnauthorized } = require('../../dist/test/raw-camera.js');
const { RtspServer } = require('../../dist/test/frame/rtsp-server.js');
const sharp = require('sharp');

const usual = readFileSync(join(root, 'models', 'demo-frames', 'frame_05_porch_day.jpg'));
const changed = await sharp(usual).resize(320).jpeg().toBuffer();
const widths = { usual: 640, changed: 320 };
const credentials = { user: 'me', password: 'secret' };
const challenge = { digest: 'Digest realm="camera", nonce="abc", qop="auth"', basic: 'Basic realm="camera"' };

/** A camera over HTTP. @param login `digest`, `basic` or `none` */
export async function httpCamera(kind, login) {
  let server = await listening(0);
  const { port } = server;
  const url = new URL(`http://127.0.0.1:${port}/`);
  let fault;

  async function listening(at) {
    const camera = new RawCamera();
    camera.answer = answer;
    await camera.listen(at);
    return camera;
  }

  function answer({ authorization }) {
    if (fault === 'freeze') return () => {};
    if (fault === 'password' || (login !== 'none' && authorization === '')) {
      return rawUnauthorized(challenge[login] ?? challenge.digest);
    }
    const picture = () => (fault === 'size' ? changed : usual);
    return kind === 'snapshot' ? rawPicture(picture()) : (socket) => stream(socket, picture);
  }

  function stream(socket, picture) {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n');
    const timer = setInterval(() => {
      if (fault === 'freeze') return;
      const bytes = picture();
      socket.write(raw(`--b\r\nContent-Type: image/jpeg\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes));
    }, 300);
    socket.on('close', () => clearInterval(timer));
  }

  return {
    name: `${kind} with ${login} login`,
    widths,
    settings: { kind, url, credentials, intervalMs: 2000, timeoutMs: 5000, retries: 0 },
    async inject(name) {
      fault = name;
      if (name === 'cut' || name === 'restart' || name === 'password') await server.close();
      if (name === 'password') server = await listening(port);
      return name !== 'size';
    },
    async restore(name) {
      fault = undefined;
      if (name === 'cut' || name === 'restart') server = await listening(port);
    },
    stop: () => server.close(),
  };
}

/** A camera over RTSP, with digest login. */
export async function rtspCamera(path, intervalMs) {
  const login = ['--login', `${credentials.user}:${credentials.password}`];
  let server = await RtspServer.start(...login);
  const { port } = server;
  return {
    widths: { usual: 320, changed: 640 },
    name: `rtsp every ${intervalMs} ms`,
    settings: { kind: 'rtsp', url: server.url(`/${path}`), credentials, intervalMs, timeoutMs: 5000 },
    async inject(name) {
      if (name === 'freeze') server.tell('freeze');
      if (name === 'size') server.tell('size 640 480');
      if (name === 'cut' || name === 'restart' || name === 'password') await server.stop();
      if (name === 'password') server = await RtspServer.start('--port', `${port}`, '--login', 'me:other');
      return name !== 'size';
    },
    async restore(name) {
      if (name === 'freeze') server.tell('thaw');
      if (name === 'size') server.tell('size 320 240');
      if (name === 'password') await server.stop();
      if (name === 'cut' || name === 'restart' || name === 'password') {
        server = await RtspServer.start('--port', `${port}`, ...login);
      }
    },
    stop: () => server.stop(),
  };
}
