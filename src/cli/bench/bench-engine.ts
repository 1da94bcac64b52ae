import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SmolvlmError } from '../../errors';

/** An engine in its own process, as `smolvlm serve` runs it, with its own socket and port. */
export interface BenchEngine {
  readonly socket: string;
  readonly url: URL;
  close(): Promise<void>;
}

/** @param args further options of `serve` @throws SmolvlmError `engine-start`; the signal's reason when aborted */
export async function startBenchEngine(
  args: readonly string[],
  signal: AbortSignal,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<BenchEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  const socket = join(folder, 'engine.sock');
  const main = join(__dirname, '..', 'main.js');
  const places = ['--socket', socket, '--port', '0', '--no-token'];
  const engine = spawn(process.execPath, [main, 'serve', ...places, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment,
  });
  const close = async (): Promise<void> => {
    engine.kill('SIGTERM');
    if (engine.exitCode === null && engine.signalCode === null) await once(engine, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { socket, url: await listeningUrl(engine, signal), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listeningUrl(engine: ChildProcess, signal: AbortSignal): Promise<URL> {
  let said = '';
  for await (const line of createInterface({ input: engine.stderr ?? process.stdin, signal })) {
    const [url] = /http:\/\/\S+/.exec(line) ?? [];
    if (url !== undefined) return new URL(url);
    said += `${line}\n`;
  }
  signal.throwIfAborted();
  throw new SmolvlmError('engine-start', `the engine did not start: ${said.trim()}`);
}
