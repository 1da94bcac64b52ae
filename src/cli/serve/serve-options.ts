import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorBody, SmolvlmError } from '../../errors';
import { protocolVersion } from '../../protocol/engine-status';
import { limits } from '../../protocol/limits';
import { cpuPrecisions } from '../../protocol/models/conversion-choices';
import { type AccessToken, parseTokens } from '../../server/http/access-tokens';
import type { TlsFiles } from '../../server/http-server';
import type { ServeOptions } from '../../server/serve-engine';
import { defined } from '../../system/defined';
import { engineSocketPath } from '../../system/files/runtime-dir';
import type { Settings } from '../../system/settings';
import { type OptionValues, optionalChoice, optionalInteger, UsageError } from '../command/command';

const defaultPort = 8372;

/** Protection of a port: not to be ignored when there is none. */
const portOptions = ['token-file', 'tls-cert', 'tls-key'] as const;

/** What the command line and the environment say about the engine. @throws UsageError; SmolvlmError `engine-token`, `engine-tls` */
export function serveOptions(
  values: OptionValues,
  log: (line: string) => void,
  { runtimeDir, cacheDir, hub, npu, rkllm, imageThreads, token }: Settings,
): ServeOptions {
  const seconds = (name: string): number | undefined => {
    const value = optionalInteger(values, name, 0, 10_000_000);
    return value === undefined ? undefined : value * 1000;
  };
  const megabytes = (name: string): number | undefined => {
    const value = optionalInteger(values, name, 1);
    return value === undefined ? undefined : value * 1024 * 1024;
  };
  const tcp = tcpOptions(values, log, token);
  return withoutUndefined({
    log,
    tcp,
    socketPath:
      typeof values.socket === 'string'
        ? resolve(values.socket)
        : tcp
          ? undefined
          : engineSocketPath(runtimeDir, protocolVersion),
    model: typeof values.model === 'string' ? values.model : undefined,
    checkpoint: typeof values.checkpoint === 'string' ? values.checkpoint : undefined,
    threads: optionalInteger(values, 'threads', 1, limits.threads),
    precision: optionalChoice(values, 'precision', cpuPrecisions),
    logRequests: optionalChoice(values, 'log-level', ['info', 'debug']) === 'debug',
    queueCapacity: optionalInteger(values, 'queue-capacity', 1, limits.queueCapacity),
    modelLimitBytes: megabytes('model-limit-mb'),
    memoryLimitBytes: megabytes('memory-limit-mb'),
    idleUnloadMs: seconds('idle-unload'),
    idleExitMs: seconds('idle-exit'),
    allowImageUrls: values['allow-image-urls'] === true,
    imageHosts: strings(values['allow-image-host']),
    aliases: aliasOptions(values),
    corsOrigins: strings(values['cors-origin']).map(corsOrigin),
    hub,
    settings: { cacheDir, npu, rkllm, ...defined({ imageThreads }) },
  });
}

/** @throws UsageError */
function aliasOptions(values: OptionValues): ReadonlyMap<string, string> | undefined {
  const { alias, model } = values;
  if (alias === undefined) return undefined;
  const pairs = strings(alias).map((text) => {
    const [name = '', target = model] = text.split(/=(.*)/s);
    if (name !== '' && typeof target === 'string' && target !== '') return [name, target] as const;
    throw new UsageError(`--alias: expected NAME=MODEL, or NAME with --model, received "${text}"`);
  });
  return new Map(pairs);
}

/** As browsers send it: scheme, host and port, without the path of an address. @throws UsageError */
function corsOrigin(given: string): string {
  if (given === '*' || given === 'null') return given;
  // For the schemes of browser extensions and of apps, URL gives the origin 'null'.
  if (URL.canParse(given) && /^[\w+.-]+:\/\/[^/?#@]+\/?$/.test(given)) {
    const { origin, protocol } = new URL(given);
    return /^https?:$/.test(protocol) ? origin : given.replace(/\/$/, '');
  }
  throw new UsageError(
    `--cors-origin: expected an origin such as https://chat.example, or *, received "${given}"`,
  );
}

function strings(value: OptionValues[string]): string[] {
  return [value ?? []].flat().filter((each) => typeof each === 'string');
}

function tcpOptions(
  values: OptionValues,
  log: (line: string) => void,
  environmentToken: string | undefined,
): ServeOptions['tcp'] {
  const { host, port } = values;
  if (host === undefined && port === undefined) {
    const unused = portOptions.find((name) => values[name] !== undefined);
    if (unused === undefined) return undefined;
    throw new UsageError(`--${unused} is for a port: give --host or --port too`);
  }
  const address = {
    host: typeof host === 'string' ? host : '127.0.0.1',
    port: optionalInteger(values, 'port', 0, 65_535) ?? defaultPort,
    ...defined({ tls: tlsOptions(values) }),
  };
  const tokenFile = values['token-file'];
  if (typeof tokenFile === 'string') return { ...address, token: readTokens(tokenFile, log) };
  if (values['no-token'] === true) return address;
  if (environmentToken !== undefined)
    return { ...address, token: parseTokens(environmentToken, 'SMOLVLM_TOKEN') };
  throw new UsageError('a port requires --token-file or SMOLVLM_TOKEN, or --no-token on a loopback address');
}

/** @throws UsageError; SmolvlmError `engine-tls` for files that are not a certificate and its key */
function tlsOptions(values: OptionValues): TlsFiles | undefined {
  const { 'tls-cert': certPath, 'tls-key': keyPath } = values;
  if (certPath === undefined && keyPath === undefined) return undefined;
  if (typeof certPath !== 'string' || typeof keyPath !== 'string') {
    throw new UsageError('--tls-cert and --tls-key must be given together');
  }
  try {
    const files = { cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
    if (!new X509Certificate(files.cert).checkPrivateKey(createPrivateKey(files.key))) {
      throw new Error('the key belongs to another certificate');
    }
    return files;
  } catch (cause) {
    throw new SmolvlmError(
      'engine-tls',
      `${certPath} and ${keyPath} cannot be used: ${errorBody(cause).message}`,
      {
        hint: 'Give a certificate and its private key as PEM files.',
        cause,
      },
    );
  }
}

function readTokens(path: string, log: (line: string) => void): readonly AccessToken[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      log(`warning: other users can read the token file ${path}; run chmod 600 ${path}`);
    }
  } catch (cause) {
    throw new SmolvlmError('engine-token', `the token file ${path} cannot be read: ${String(cause)}`, {
      cause,
    });
  }
  return parseTokens(text, path);
}

type Given<Options> = { [Name in keyof Options]: Options[Name] | undefined };

/** Removes options that were not given. */
function withoutUndefined(
  options: Given<Required<Omit<ServeOptions, 'captionerModule' | 'abandonedMs' | 'hangMs' | 'timeline'>>>,
) {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as ServeOptions;
}
