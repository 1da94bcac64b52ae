import { parseNatsAddress } from '../../src/nats/nats-address';
import { NatsFake } from './nats-fake';

/** A hub of the fake captioner in its own process. */
async function main(): Promise<void> {
  const fake = NatsFake.at(parseNatsAddress(process.argv[2] ?? ''));
  await fake.hub({ ackWaitMs: 2_000 });
  process.stdout.write('ready\n');
}

void main();
