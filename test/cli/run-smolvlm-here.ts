import { main } from '../../src/cli/main';
import { setEnvironment } from '../environment';
import type { Ended } from './run-smolvlm';

/**
 * Runs a command of smolvlm in this process, to its end. For tests of what a command does: they save the start of a process
 * and the loading of its libraries. What the process itself does (exit status, signals, streams) is tested with `runSmolvlm`.
 */
export async function runSmolvlmHere(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const original = { stdout: process.stdout.write, stderr: process.stderr.write };
  const restore = setEnvironment(environment);
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (bytes: string | Uint8Array) => {
      written[name] += typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString();
      return true;
    };
  }
  try {
    return { status: await main(args), ...written };
  } finally {
    process.stdout.write = original.stdout;
    process.stderr.write = original.stderr;
    restore();
  }
}
