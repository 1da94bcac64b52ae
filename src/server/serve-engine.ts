import { totalmem } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../engine/engine';
import { engineDefaults } from '../engine/engine-options';
import { InferenceThread } from '../engine/inference-thread';
import { errorBody, SmolvlmError } from '../errors';
import { checkpointsFolder } from '../model/cache-folder';
import { packageVersion } from '../package-version';
import { pictureHosts } from '../picture/public-addresses';
import type { RuntimeOptions } from '../protocol/describe-request';
import { systemClock } from '../system/clock';
import { defined } from '../system/defined';
import type { InferenceSettings, Settings } from '../system/settings';
import type { TimelineStore } from '../timeline/timeline-store';
import { afterAnswer } from './after-answer';
import { EngineEndpoints } from './engine-endpoints';
import type { AccessToken } from './http/access-tokens';
import { BodyBudget, bodyBudgetBytes } from './http/bodies/body-budget';
import { isLoopback } from './http/listen';
import type { TlsFiles } from './http-server';
import { defaultMemoryLimit, MemoryGuard } from './memory-guard';
import { ModelCache } from './model-cache';
import { ModelCatalog } from './model-catalog';
import { LazyMetrics } from './routes/metrics-route';
import { askEngine } from './routes/timeline-routes';
import { timelineRecorder, timelineThumbnailSide } from './timeline-recorder';

export interface ServeOptions {
  readonly socketPath?: string;
  readonly tcp?: {
    readonly host: string;
    readonly port: number;
    readonly token?: string | readonly AccessToken[];
    readonly tls?: TlsFiles;
  };
  readonly model?: string;
  /** The checkpoint of a folder of shards, for requests that name none. */
  readonly checkpoint?: string;
  readonly threads?: number;
  /** Of the weights of checkpoints on the CPU, for requests that name none. */
  readonly precision?: RuntimeOptions['precision'];
  /** Ends this long after the last lease and request; never when absent. */
  readonly idleExitMs?: number;
  /** Models are unloaded this long after the last request. */
  readonly idleUnloadMs?: number;
  readonly modelLimitBytes?: number;
  /** The engine ends, and clients start another, when it uses more than this; default: 80 % of the machine's memory. */
  readonly memoryLimitBytes?: number;
  readonly queueCapacity?: number;
  readonly abandonedMs?: number;
  /** Pictures are fetched by address, from hosts on the internet. */
  readonly allowImageUrls?: boolean;
  /** Hosts, IP addresses and networks from which pictures are fetched, besides or without the internet. */
  readonly imageHosts?: readonly string[];
  /** Other names of models, for clients on the network. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Origins of pages that may use the engine from a browser; `*` for all. */
  readonly corsOrigins?: readonly string[];
  /** Keeps what the engine answers; its page is at `/timeline/` of the port. The caller closes it. */
  readonly timeline?: TimelineStore;
  /** A cancelled native call that has not returned after this ends the process. */
  readonly hangMs?: number;
  /** Module exporting `openCaptioner`. */
  readonly captionerModule?: string;
  /** For the inference thread; default: those of this process's environment. */
  readonly settings?: InferenceSettings;
  /** Where clients may fetch models from; absent: they may not. */
  readonly hub?: Settings['hub'];
  readonly log: (line: string) => void;
  /** Logs each request, without its content. */
  readonly logRequests?: boolean;
}

export interface ServedEngine {
  /** Absent without `tcp`. */
  readonly url?: string;
  /** Resolves once the engine has stopped, for any reason. */
  readonly closed: Promise<void>;
  /** @param source more metrics of this process for `GET /metrics`, in Prometheus' text format */
  includeMetrics(source: () => Promise<string>): void;
  /** Whether it stopped because it used too much memory: the process then ends with a failure. */
  wasAbrupt(): boolean;
  /** Lets running requests finish; waiting ones are left to the clients' next engine. */
  close(): Promise<void>;
}

/** A stage of a large model on a slow CPU takes seconds; the NPU driver's own timeout is 18 s. */
const defaultHangMs = 60_000;

/** Runs an engine with its sockets. @throws SmolvlmError `engine-token`, `engine-running`, `engine-listen`, `runtime-dir` */
export async function serveEngine(options: ServeOptions): Promise<ServedEngine> {
  const { tcp, socketPath, log } = options;
  checkToken(tcp);
  let closing: Promise<void> | undefined;
  let abrupt = false;
  let reportClosed = (): void => {};
  const closed = new Promise<void>((resolve) => {
    reportClosed = resolve;
  });
  const modelLimitBytes = options.modelLimitBytes ?? Math.floor(totalmem() / 2);
  const engine = new Engine({
    ...engineDefaults,
    inference: inferenceThread(options, modelLimitBytes),
    clock: systemClock,
    ...defined({
      queueCapacity: options.queueCapacity,
      abandonedMs: options.abandonedMs,
      idleExitMs: options.idleExitMs,
      thumbnailSide: options.timeline && timelineThumbnailSide,
    }),
    onIdle: () => end('no client uses this engine: it stops'),
  });
  const memoryLimitBytes = options.memoryLimitBytes ?? defaultMemoryLimit();
  const guard = new MemoryGuard(memoryLimitBytes, (rss) => {
    const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
    abrupt = true;
    end(
      `${megabytes(rss)} MB of memory in use, limit ${megabytes(memoryLimitBytes)} MB: ending the engine; clients start another`,
    );
  });
  engine.onDone(() => afterAnswer(() => guard.check()));
  if (options.timeline) engine.onDone(timelineRecorder(options.timeline, log));
  const models = new ModelCatalog({
    loaded: () => engine.status().models.map(({ model }) => model),
    ...defined({
      defaultModel: options.model,
      aliases: options.aliases,
      checkpoints: options.settings && checkpointsFolder(options.settings.cacheDir),
    }),
  });
  const metrics = new LazyMetrics(engine);
  const http = {
    engine,
    models,
    metrics,
    bodies: new BodyBudget(bodyBudgetBytes(memoryLimitBytes)),
    version: packageVersion(),
    modelLimitBytes,
    ...defined({
      defaultModel: options.model,
      imageHosts: pictureHosts(options.allowImageUrls === true, options.imageHosts ?? []),
      modelCache:
        options.hub &&
        new ModelCache({ hub: options.hub, ...defined({ cacheDir: options.settings?.cacheDir }) }),
      requestLog: options.logRequests ? log : undefined,
    }),
  };
  const endpoints = new EngineEndpoints(end);
  let url: string | undefined;
  try {
    if (socketPath !== undefined) await endpoints.openSocket(http, socketPath);
    if (tcp) {
      const network = {
        ...http,
        networkModels: models,
        localCallersOnly: tcp.token === undefined,
        ...defined({
          token: tcp.token,
          tls: tcp.tls,
          corsOrigins: options.corsOrigins,
          timeline: options.timeline && {
            id: 'engine',
            name: '',
            store: options.timeline,
            ask: askEngine(engine, options.model),
          },
        }),
      };
      url = await endpoints.openPort(network, tcp.host, tcp.port);
    }
  } catch (error) {
    guard.stop();
    await endpoints.close();
    await engine.close(0);
    throw error;
  }

  engine.lifetime.begin();
  const includeMetrics = (source: () => Promise<string>): void => metrics.include(source);
  return { ...defined({ url }), closed, close, includeMetrics, wasAbrupt: () => abrupt };

  function close(): Promise<void> {
    guard.stop();
    closing ??= stop(engine, endpoints).finally(reportClosed);
    return closing;
  }

  /** Ends the engine without a caller: a failure goes to the log. */
  function end(reason: string): void {
    log(reason);
    close().catch((error: unknown) => log(`the engine did not stop cleanly: ${errorBody(error).message}`));
  }
}

/** Stops listening first, so that clients turn to a new engine; running requests are still answered. */
async function stop(engine: Engine, endpoints: EngineEndpoints): Promise<void> {
  endpoints.stopListening();
  await engine.close();
  await endpoints.close();
}

/** The inference thread. Only the end of the process frees a native call that hangs. */
function inferenceThread(options: ServeOptions, modelLimitBytes: number): InferenceThread {
  const { log, hangMs = defaultHangMs } = options;
  const kill = (reason: string): void => {
    log(`${reason}: ending the engine; clients start another`);
    process.kill(process.pid, 'SIGKILL');
  };
  return new InferenceThread({
    captionerModule: options.captionerModule ?? join(__dirname, '..', 'inference', 'captioner.js'),
    ...defined({
      defaultModel: options.model,
      checkpoint: options.checkpoint,
      threads: options.threads,
      precision: options.precision,
      settings: options.settings,
    }),
    modelLimitBytes,
    clock: systemClock,
    idleUnloadMs: options.idleUnloadMs ?? 10 * 60_000,
    hangMs,
    onHang: () => kill(`a native call has hung for ${hangMs} ms`),
    onDeviceLost: ({ message }) => kill(message),
  });
}

function checkToken(tcp: ServeOptions['tcp']): void {
  if (!tcp || tcp.token !== undefined || isLoopback(tcp.host)) return;
  throw new SmolvlmError(
    'engine-token',
    `listening on ${tcp.host} without a token would let anyone on the network use the engine`,
    {
      hint: 'Give --token-file, or --host 127.0.0.1.',
    },
  );
}
