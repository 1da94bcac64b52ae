import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoFrame, repositoryRoot } from '../fixtures';
import { plant, planted } from './planted-secrets';

const main = join(repositoryRoot, 'dist', 'cli', 'main.js');

/** What the command line prints about passwords and tokens in its arguments. @param temp makes a path for what a command writes */
export async function outputOfCommands(cameraPort: number, temp: (name: string) => string): Promise<string> {
  const secret = (place: string): string => plant(`command ${place}`);
  const tokenFile = temp('token');
  writeFileSync(tokenFile, secret('token file'), { mode: 0o600 });
  const image = (path: string): string => `http://127.0.0.1:${cameraPort}${path}`;
  const commands: readonly (readonly string[])[] = [
    ['caption', '--model', 'demo', '--image', image(`/refuses?user=u&password=${secret('query')}`)],
    ['caption', '--model', 'demo', '--image', image(`/page?key=${secret('unknown name')}`)],
    [
      'caption',
      '--model',
      'demo',
      '--image',
      `http://admin:${secret('userinfo')}@127.0.0.1:${cameraPort}/refuses`,
    ],
    [
      'caption',
      '--model',
      'demo',
      '--image',
      `http://admin:${secret('userinfo without a camera')}@127.0.0.1:1/x`,
    ],
    ['caption', '--model', 'demo', '--image', `rtsp://admin:${secret('rtsp')}@127.0.0.1:1/x`],
    [
      'caption',
      '--model',
      `http://u:${secret('model')}@127.0.0.1:1/`,
      '--image',
      demoFrame('frame_05_porch_day.jpg'),
    ],
    ['install', `http://u:${secret('archive')}@127.0.0.1:${cameraPort}/refuses`, '--to', temp('installed')],
    ['serve', '--port', '0', '--token-file', tokenFile, '--mqtt', `mqtt://u:${secret('mqtt')}@127.0.0.1:1`],
    [
      'serve',
      '--port',
      '0',
      '--token-file',
      tokenFile,
      '--mqtt',
      `nonsense://u:${secret('mqtt kind')}@127.0.0.1`,
    ],
    ['doctor'],
  ];
  let printed = '';
  for (const args of commands) printed += await output([...args, '--json'], temp);
  return printed;
}

async function output(args: readonly string[], temp: (name: string) => string): Promise<string> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      SMOLVLM_CACHE: temp('command-cache'),
      SMOLVLM_RUNTIME_DIR: temp('command-run'),
      HF_TOKEN: planted.get('HF_TOKEN') ?? '',
    },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      text += String(part);
      // `serve` runs until it is told to end.
      if (text.includes('[mqtt-broker-unreachable]')) child.kill('SIGTERM');
    });
  }
  await once(child, 'close');
  return `${args[0]}: ${text}\n`;
}
