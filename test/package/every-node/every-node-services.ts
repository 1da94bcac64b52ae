import { join } from 'node:path';
import { after, before } from 'mocha';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { testToolkit } from '../../convert/toolkit/test-toolkit';
import { startAedes, type TestBroker } from '../../mqtt/broker/test-broker';
import { serveFake } from '../../server/served-fake';

/** What a flow of every node uses outside Node-RED. */
export interface EveryNodeServices {
  readonly engineUrl: string;
  readonly brokerPort: number;
  /** An interpreter with the toolkit. */
  readonly python: string;
  /** A small checkpoint to convert. */
  readonly model: string;
}

/** Starts them before a suite and ends them after it. To be called in the suite's body. */
export function useEveryNodeServices(folder: string): () => EveryNodeServices {
  let engine: ServedEngine;
  let broker: TestBroker;
  let python: string;
  const model = join(folder, 'small');
  before(async () => {
    engine = await serveFake({ aliases: new Map([['chosen in the engine', 'chosen in the engine']]) });
    broker = await startAedes();
    ({ python } = await testToolkit());
    await writeSmallCheckpoint(model, 1);
  });
  after(async () => {
    await broker.close();
    await engine.close();
  });
  return () => ({ engineUrl: engine.url ?? '', brokerPort: broker.port, python, model });
}
