import { Hub } from '../../../nats/hub/hub';
import { parseNatsAddress } from '../../../nats/nats-address';
import { openNats } from '../../../nats/nats-connection';
import { PacedEngine } from './paced-engine';

/** The first argument of this program, as JSON. */
export interface PacedHubsOptions {
  readonly url: string;
  readonly captionMs: number;
  readonly hubs: number;
}

/** Several hubs in one process, each with its own connection. */
async function main({ url, captionMs, hubs }: PacedHubsOptions): Promise<void> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  for (let started = 0; started < hubs; started++) {
    const link = await openNats(parseNatsAddress(url), `paced hub ${started}`);
    const models = new Map([[undefined, undefined]]);
    await new Hub({ link, engine: new PacedEngine(captionMs), models, log }).start();
  }
  process.send?.('ready');
}

// Nothing is left behind when the program that started it has ended.
process.once('disconnect', () => process.exit());
void main(JSON.parse(process.argv[2] ?? '{}')).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
