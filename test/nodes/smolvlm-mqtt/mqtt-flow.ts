import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { after, afterEach, before, beforeEach, describe } from 'mocha';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import mqttNode from '../../../nodes/smolvlm-mqtt/smolvlm-mqtt';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { demoFrame } from '../../fixtures';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../../mqtt/broker/test-broker';
import { Watcher } from '../../mqtt/broker/watcher';
import { serveFake } from '../../server/served-fake';

helper.init(require.resolve('node-red'));

export type Received = NodeMessage & {
  topic?: string;
  camera?: string;
  caption?: Record<string, unknown>;
  picture?: Buffer;
  error?: { code?: string; message: string };
};

export const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const load = createRequire(__filename);

/** Node types of the flows. */
export const types = [
  engineNode,
  mqttNode,
  load('@node-red/nodes/core/network/10-mqtt.js'),
  load('@node-red/nodes/core/common/25-catch.js'),
] as never[];

const brokers = [
  { name: 'the embedded broker, MQTT 3.1.1', start: () => startAedes(), version: 4, present: true },
  { name: 'Mosquitto, MQTT 3.1.1', start: startMosquitto, version: 4, present: hasMosquitto },
  { name: 'Mosquitto, MQTT 5', start: startMosquitto, version: 5, present: hasMosquitto },
] as const;

/** Starts Node-RED's server and an engine for a suite. To be called in its body. @returns the engine's address */
export function useMqttNodes(): () => string {
  let engine: ServedEngine;
  before(async () => {
    engine = await serveFake();
    await new Promise<void>((resolve) => helper.startServer(resolve));
    // Core's default is 5 s; the flow's nodes read it when they are made.
    helper.settings({ mqttReconnectTime: 100 } as never);
  });
  after(async () => {
    helper.settings({});
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    await engine.close();
  });
  return () => engine.url ?? '';
}

/** Declares the same tests with each broker and version of MQTT. */
export function withEachBroker(
  engineUrl: () => string,
  declare: (mqtt: MqttFlow, version: 4 | 5) => void,
): void {
  for (const { name, start, version, present } of brokers) {
    (present ? describe : describe.skip)(`with ${name}`, () => {
      const mqtt = new MqttFlow(engineUrl, start, version);
      beforeEach(() => mqtt.connect());
      afterEach(() => mqtt.close());
      declare(mqtt, version);
    });
  }
}

/** A flow with one `smolvlm-mqtt` node, its broker, and what comes out of it. */
export class MqttFlow {
  broker!: TestBroker;
  watcher!: Watcher;
  received: { captions: Received[]; dropped: Received[]; errors: Received[] } = {
    captions: [],
    dropped: [],
    errors: [],
  };
  statuses: string[] = [];
  warnings: unknown[] = [];

  constructor(
    readonly engineUrl: () => string,
    readonly start: () => Promise<TestBroker>,
    readonly version: 4 | 5,
  ) {}

  async connect(): Promise<void> {
    this.broker = await this.start();
    this.watcher = await Watcher.connect(this.broker.port, this.version);
  }

  async close(): Promise<void> {
    await helper.unload();
    await this.watcher.close();
    await this.broker.close();
  }

  /** @param more nodes of the flow @param moreTypes and their types */
  async load(
    dialog: object = {},
    brokerDialog: object = {},
    more: object[] = [],
    moreTypes: readonly unknown[] = [],
  ): Promise<void> {
    const broker = { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: String(this.broker.port) };
    const place = { x: 1, y: 1, z: 'tab' };
    await helper.load(
      [...types, ...moreTypes] as never[],
      [
        { id: 'tab', type: 'tab' },
        {
          ...broker,
          protocolVersion: String(this.version),
          keepalive: '60',
          cleansession: true,
          ...brokerDialog,
        },
        { id: 'e', type: 'smolvlm-engine', location: 'remote', url: this.engineUrl() },
        ...more,
        {
          id: 'm',
          ...place,
          type: 'smolvlm-mqtt',
          broker: 'b',
          engine: 'e',
          ...dialog,
          wires: [['ok'], ['no']],
        },
        { id: 'ok', ...place, type: 'helper' },
        { id: 'no', ...place, type: 'helper' },
        { id: 'failures', ...place, type: 'catch', scope: ['m'], wires: [['bad']] },
        { id: 'bad', ...place, type: 'helper' },
      ] as never,
    );
    this.received = { captions: [], dropped: [], errors: [] };
    this.statuses = [];
    this.warnings = [];
    const { received, statuses, warnings } = this;
    const collect = (id: string, into: Received[]): void => {
      helper.getNode(id).on('input', (message) => void into.push(message as Received));
    };
    collect('ok', received.captions);
    collect('no', received.dropped);
    collect('bad', received.errors);
    const events = helper.getNode('m') as unknown as EventEmitter;
    events.on('call:status', ({ firstArg }) => void statuses.push(firstArg.text ?? ''));
    events.on('call:warn', ({ firstArg }) => void warnings.push(firstArg));
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    for (let waited = 0; !condition() && waited < 60_000; waited += 10) await delay(10);
    assert.ok(condition(), what);
  }
}
