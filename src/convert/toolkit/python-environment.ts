import { pythonWithoutTelemetry } from '../../system/no-telemetry';

/** Settings of pip that say where packages come from; all others may send them elsewhere, or refuse to install. */
export const pipSources: readonly string[] = [
  'index-url',
  'extra-index-url',
  'find-links',
  'no-index',
  'trusted-host',
  'cert',
  'client-cert',
  'proxy',
  'timeout',
  'default-timeout',
  'retries',
  'cache-dir',
  'keyring-provider',
];

/** Variables that change which interpreter, packages or folders a Python uses. */
const redirecting = /^(?:PYTHON|PIP_|CONDA_|VIRTUAL_ENV|__PYVENV_LAUNCHER__)/;

/** These change only what Python prints or writes: they are dropped without a word. */
const harmless: readonly string[] = [
  'PYTHONUNBUFFERED',
  'PYTHONDONTWRITEBYTECODE',
  'PYTHONIOENCODING',
  'PYTHONUTF8',
  'PYTHONHASHSEED',
  'PIP_CONFIG_FILE',
  'PIP_NO_INPUT',
  'PIP_DISABLE_PIP_VERSION_CHECK',
];

/** The variable of a setting of pip, e.g. `PIP_INDEX_URL`. */
export function pipVariable(setting: string): string {
  return `PIP_${setting.toUpperCase().replaceAll('-', '_')}`;
}

const keptVariables = new Set([...pipSources.map(pipVariable), 'PIP_CONFIG_FILE']);

/**
 * The environment of every Python that sets up the toolkit or converts: this process's, without what would lead it to
 * another interpreter, to other packages, or install them elsewhere.
 */
export function pythonEnvironment(added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !isDropped(name));
  return { ...Object.fromEntries(kept), ...pythonWithoutTelemetry, ...added };
}

/** Names of the variables that are left out and would have changed a conversion, sorted. */
export function droppedVariables(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  return Object.keys(environment)
    .filter((name) => environment[name] !== '' && isDropped(name) && !harmless.includes(name))
    .sort();
}

function isDropped(name: string): boolean {
  return redirecting.test(name) && !keptVariables.has(name);
}
