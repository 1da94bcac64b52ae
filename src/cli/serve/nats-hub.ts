import { setTimeout as delay } from 'node:timers/promises';
import type { EngineAddress } from '../../client/engine-address';
import { EngineClient } from '../../client/engine-client';
import { SmolvlmError } from '../../errors';
import { Hub } from '../../nats/hub/hub';
import type { NatsAddress } from '../../nats/nats-address';
import { openNats } from '../../nats/nats-connection';
import { shownText } from '../../system/shown-address';

export interface HubModels {
  /** The engine's default. */
  readonly model?: string;
  readonly aliases?: ReadonlyMap<string, string>;
}

export interface NatsService {
  /** Rejects when the server can never be used with these options; pending otherwise. */
  readonly failed: Promise<never>;
  /** Answers frames in progress and returns the rest. */
  close(): Promise<void>;
  /** In Prometheus' text format; empty until it is connected. */
  metrics(): Promise<string>;
}

const retryMs = 5_000;

/**
 * Takes frames from the shared queue for the engine of this process. A server that cannot be reached is tried again; one
 * that refuses the login or has no JetStream ends the service.
 */
export function startNatsHub(
  nats: NatsAddress,
  { model, aliases }: HubModels,
  address: EngineAddress,
  log: (line: string) => void,
): NatsService {
  const engine = new EngineClient(address);
  const closing = new AbortController();
  const models = new Map<string | undefined, string | undefined>([
    [undefined, model],
    ...(model === undefined ? [] : [[model, model] as const]),
    ...(aliases ?? []),
  ]);
  let hub: Hub | undefined;
  let started = start();
  let fail = (_error: unknown): void => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  started.catch(fail);
  return {
    failed,
    metrics: async () => (await hub?.metrics()) ?? '',
    close: async () => {
      closing.abort();
      await started.catch(() => {});
      await hub?.close();
      await engine.close();
    },
  };

  /** The server has closed the connection for good, for example because the login was revoked. */
  async function startAgain(lost: Hub): Promise<void> {
    if (closing.signal.aborted) return;
    log('the NATS server has closed the connection');
    await lost.close();
    started = start();
    started.catch(fail);
  }

  async function start(): Promise<void> {
    const shown = (line: string): void => log(shownText(line));
    let lastLine = '';
    while (!closing.signal.aborted) {
      try {
        const link = await openNats(nats, 'smolvlm hub');
        const opened = new Hub({ link, engine, models, log: shown });
        await opened.start().catch(async (error: unknown) => {
          await link.connection.close();
          throw error;
        });
        hub = opened;
        void link.connection.closed().then(() => startAgain(opened));
        shown(`takes frames from the stream "${nats.stream}" at ${nats.servers.join(', ')}`);
        return;
      } catch (error) {
        if (!(error instanceof SmolvlmError) || error.code !== 'nats-unreachable') throw error;
        if (error.message !== lastLine) shown(`${error.message} [${error.code}]`);
        lastLine = error.message;
      }
      await delay(retryMs, undefined, { signal: closing.signal }).catch(() => {});
    }
  }
}
