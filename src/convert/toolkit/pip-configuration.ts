import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pipSources, pipVariable, pythonEnvironment } from './python-environment';

/** What pip's configuration files contain, for an installation into an environment of our own. */
export interface PipConfiguration {
  /** Replaces the files, if they have settings that lead elsewhere; empty if they may be read. */
  readonly variables: NodeJS.ProcessEnv;
  /** Settings that are not used, e.g. `global.target`. */
  readonly dropped: readonly string[];
}

/**
 * Reads pip's configuration files. `target`, `user`, `require-virtualenv` and the like would install packages elsewhere or
 * nowhere; then only where packages come from is kept.
 * @param python of the new environment
 */
export async function readPipConfiguration(
  python: string,
  signal: AbortSignal | undefined,
): Promise<PipConfiguration> {
  const options = { env: pythonEnvironment(), timeout: 60_000, ...(signal && { signal }) };
  const { stdout } = await promisify(execFile)(python, ['-m', 'pip', 'config', 'list'], options).catch(() => {
    signal?.throwIfAborted();
    return { stdout: '' };
  });
  return parsePipConfiguration(stdout);
}

/** @param listed the output of `pip config list` */
export function parsePipConfiguration(listed: string): PipConfiguration {
  // Variables are listed as `:env:.target`; they are dropped before pip starts.
  const settings = [...listed.matchAll(/^(global|install)\.([\w-]+)='(.*)'$/gm)];
  const dropped = settings.filter(([, , key = '']) => !pipSources.includes(key) && !quiet.includes(key));
  if (dropped.length === 0) return { variables: {}, dropped: [] };
  const sources = settings.filter(([, , key = '']) => pipSources.includes(key));
  return {
    variables: {
      ...Object.fromEntries(sources.map(([, , key = '', value]) => [pipVariable(key), listValue(value)])),
      // This name makes pip read no files.
      PIP_CONFIG_FILE: '/dev/null',
    },
    dropped: dropped.map(([, section, key]) => `${section}.${key}`),
  };
}

/** Settings that change only what pip prints or asks. */
const quiet: readonly string[] = [
  'disable-pip-version-check',
  'no-input',
  'no-color',
  'quiet',
  'verbose',
  'progress-bar',
  'break-system-packages',
  'no-warn-script-location',
];

/** A file lists several values on separate lines; in a variable, blanks separate them. */
function listValue(value = ''): string {
  return value.replaceAll('\\n', ' ').trim();
}
