import { join } from 'node:path';
import { EngineClient } from '../../../client/engine-client';
import { Hub } from '../../../nats/hub/hub';
import { parseNatsAddress } from '../../../nats/nats-address';
import { openNats } from '../../../nats/nats-connection';
import { collectLessOften } from '../../../server/garbage-collection';
import { serveEngine } from '../../../server/serve-engine';
import { defined } from '../../../system/defined';

/** The first argument of this program, as JSON. */
export interface ModelledHubOptions {
  readonly url: string;
  /** The name of its schedule. */
  readonly model: string;
  /** Where its engine listens. */
  readonly socketPath: string;
  readonly ackWaitMs?: number;
}

/** A hub in its own process: the real engine and the real hub, as in `smolvlm serve`, with a captioner of modelled times. */
async function main({ url, model, socketPath, ackWaitMs }: ModelledHubOptions): Promise<void> {
  collectLessOften();
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  await serveEngine({ socketPath, model, captionerModule: join(__dirname, 'modelled-captioner.js'), log });
  const engine = new EngineClient({ kind: 'socket', path: socketPath });
  const link = await openNats(parseNatsAddress(url), 'modelled hub');
  const models = new Map([[undefined, model]]);
  await new Hub({ link, engine, models, log, ...defined({ ackWaitMs }) }).start();
  process.send?.('ready');
}

// Nothing is left behind when the program that started it has ended.
process.once('disconnect', () => process.exit());
void main(JSON.parse(process.argv[2] ?? '{}')).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
