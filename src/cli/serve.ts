import { type EngineAddress, parseEngineAddress } from '../client/engine-address';
import { checkpointsFolder } from '../model/cache-folder';
import { boundLog, fileLog } from '../server/bounded-log';
import { collectLessOften } from '../server/garbage-collection';
import type { TlsFiles } from '../server/http-server';
import { type ServedEngine, type ServeOptions, serveEngine } from '../server/serve-engine';
import { defined } from '../system/defined';
import { makePrivateDirectory } from '../system/files/runtime-dir';
import { missingPackage } from '../system/missing-package';
import { certificateFingerprint } from './certificate/self-signed-certificate';
import type { Command } from './command/command';
import { hubOptionTable, hubUsage, natsOptions } from './command/nats-options';
import { closeServices } from './serve/close-services';
import { warnOfMissingModels } from './serve/missing-models';
import { startAnnouncement } from './serve/network-announcement';
import { serveOptions } from './serve/serve-options';
import { openServedTimeline } from './serve/served-timeline';

/** The engine process: local engines are started with it, and remote ones by hand or as a service. */
export const command: Command = {
  outlivesCaller: true,
  summary: 'Run the engine on a unix socket or a TCP port',
  usage: [
    'serve [--model M] [--checkpoint M] [--socket PATH] [--host H] [--port N] [--token-file F | --no-token]',
    '  [--tls-cert F.pem --tls-key F.pem] [--no-announce]',
    '  [--threads N] [--precision float32|int8|int4] [--log-level info|debug]',
    '  [--queue-capacity N] [--model-limit-mb N] [--memory-limit-mb N] [--idle-unload S] [--idle-exit S]',
    '  [--allow-image-urls] [--allow-image-host HOST|NETWORK …] [--alias NAME[=MODEL] …] [--cors-origin ORIGIN …]',
    '  [--mqtt mqtt://USER@HOST:1883 [--mqtt-password-file F] [--mqtt-config F.json] [--mqtt-version 4|5]]',
    '  [--timeline DIR [--timeline-days N] [--timeline-mb N]]',
    '  [--nats nats://HOST:4222',
    `   ${hubUsage}]`,
    'Without --socket, --host or --port it listens on the unix socket where local clients look for it.',
    'A port requires a token (--token-file, or the environment variable SMOLVLM_TOKEN), unless it is on a loopback address and',
    '--no-token is given. For several tokens, the file has one line NAME TOKEN for each.',
    'An engine that listens on the network announces itself by multicast DNS, unless --no-announce or SMOLVLM_ANNOUNCE=0 is given.',
    'Clients on the network name models by id or by --alias NAME=MODEL; --alias NAME is another name of --model.',
    'With --allow-image-urls, requests to OpenAI’s API may give pictures by address on the internet; with --allow-image-host, at that host.',
    'With --cors-origin, pages of that origin may use the engine from a browser; * stands for every origin.',
    'With --log-level debug each request is logged with its status and time, without its content.',
    'With --mqtt it also answers requests over MQTT: smolvlm/CAMERA/describe, smolvlm/CAMERA/caption.',
    'With --timeline it keeps each caption with a thumbnail in DIR, 30 days and 1000 MB by default; the page is at /timeline/ of the port.',
    'With --nats it also takes frames from a queue that several engines share, in NATS JetStream.',
  ].join('\n'),
  options: {
    model: { type: 'string' },
    checkpoint: { type: 'string' },
    socket: { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string' },
    'token-file': { type: 'string' },
    'no-token': { type: 'boolean' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
    'no-announce': { type: 'boolean' },
    threads: { type: 'string' },
    precision: { type: 'string' },
    'log-level': { type: 'string' },
    'queue-capacity': { type: 'string' },
    'model-limit-mb': { type: 'string' },
    'memory-limit-mb': { type: 'string' },
    'idle-unload': { type: 'string' },
    'idle-exit': { type: 'string' },
    'allow-image-urls': { type: 'boolean' },
    'allow-image-host': { type: 'string', multiple: true },
    alias: { type: 'string', multiple: true },
    'cors-origin': { type: 'string', multiple: true },
    mqtt: { type: 'string' },
    'mqtt-password-file': { type: 'string' },
    'mqtt-config': { type: 'string' },
    'mqtt-version': { type: 'string' },
    timeline: { type: 'string' },
    'timeline-days': { type: 'string' },
    'timeline-mb': { type: 'string' },
    ...hubOptionTable,
  },
  async run(values, _positionals, io, settings) {
    const log = fileLog(process.stderr.fd, io.log);
    const options = serveOptions(values, log, settings);
    const isLocal = values.socket === undefined && options.tcp === undefined;
    if (isLocal) makePrivateDirectory(settings.runtimeDir);
    // Engines started by clients do not use it and need not load it.
    const usesMqtt = Object.keys(values).some((name) => name.startsWith('mqtt'));
    const mqtt = usesMqtt ? await import('./serve/mqtt-service.js') : undefined;
    const mqttOptions = mqtt?.mqttOptions(values);
    const usesNats = Object.keys(values).some((name) => name.startsWith('nats'));
    const nats = usesNats ? await import('./serve/nats-hub.js') : undefined;
    const natsAddress = nats && natsOptions(values);
    boundLog(process.stderr.fd);
    const missing = missingPackage();
    if (missing) log(`${missing.message}. ${missing.hint}`);
    collectLessOften();
    const timeline = await openServedTimeline(values, log);
    const served = await serveEngine({ ...options, ...defined({ timeline }) }).catch(
      async (error: unknown) => {
        await timeline?.close();
        throw error;
      },
    );
    const places = [options.socketPath, served.url].filter((place) => place !== undefined);
    // The URL of an engine on every address names loopback.
    const reach = ['0.0.0.0', '::'].includes(options.tcp?.host ?? '') ? ' and all other addresses' : '';
    log(`the engine listens on ${places.join(' and ')}${reach}`);
    if (options.tcp?.tls) {
      log(`SHA-256 fingerprint of its certificate: ${certificateFingerprint(options.tcp.tls.cert)}`);
      log(
        'to accept only this certificate, add it to the engine’s address: https://HOST:PORT/#sha256=FINGERPRINT',
      );
    }
    await warnOfMissingModels(
      [options.model, ...(options.aliases?.values() ?? [])],
      checkpointsFolder(settings.cacheDir),
      log,
    );
    const service = mqttOptions && mqtt?.startMqttService(mqttOptions, engineAddress(options, served), log);
    const hub = natsAddress && nats?.startNatsHub(natsAddress, options, engineAddress(options, served), log);
    if (hub) served.includeMetrics(() => hub.metrics());
    const announces = values['no-announce'] !== true && settings.announce;
    const announcement = announces ? await startAnnouncement(options, served.url, log) : undefined;
    const close = async (): Promise<void> => {
      await closeServices([announcement, service, hub], log);
      await closeServices([served], log);
    };
    const stop = (): void => void close();
    io.signal.addEventListener('abort', stop, { once: true });
    if (io.signal.aborted) stop();
    try {
      const failures = [service?.failed, hub?.failed].filter((failed) => failed !== undefined);
      await Promise.race([served.closed, ...failures]);
    } finally {
      await close();
      await timeline?.close();
    }
    // A service manager starts it again after a failure.
    return served.wasAbrupt() ? 1 : 0;
  },
};

/** The address of this process's own engine. */
function engineAddress({ socketPath, tcp }: ServeOptions, { url }: ServedEngine): EngineAddress {
  if (socketPath !== undefined) return { kind: 'socket', path: socketPath };
  const { token } = tcp ?? {};
  const pinned = tcp?.tls && url ? pinnedAddress(url, tcp.tls) : url;
  return parseEngineAddress(pinned, typeof token === 'string' ? token : token?.[0]?.token);
}

function pinnedAddress(url: string, tls: TlsFiles): string {
  return `${url}/#sha256=${certificateFingerprint(tls.cert)}`;
}
