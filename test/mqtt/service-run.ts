import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { SmolvlmError } from '../../src/errors';
import { DescribeService } from '../../src/mqtt/describe-service';
import type { PreparePicture } from '../../src/mqtt/published-picture';
import type { CameraAnswer } from '../../src/mqtt/requests/camera-request';
import type { ServiceSettings } from '../../src/mqtt/service-settings';
import { fillPrompt } from '../../src/template/prompt-template';
import { demoFrame } from '../fixtures';
import { FakeEngine } from './fake-engine';
import { FakeTransport } from './transport/fake-transport';

export const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
export const garden = readFileSync(demoFrame('frame_08_garden_day.jpg'));

const plain: ServiceSettings = {
  base: 'smolvlm',
  qos: 1,
  cameras: [],
  prompt: 'Describe this image.',
  defaults: {},
  allowAddresses: true,
  publishPicture: true,
};

/** Publishes the bytes of a test as they are. */
const asGiven: PreparePicture = async (jpeg) => ({
  jpeg,
  ...{ width: 1, height: 1, brightness: 0, differenceHash: '' },
});

/** A describe service on a fake transport and a fake engine, started again by each test. */
export class ServiceRun {
  transport = new FakeTransport();
  engine = new FakeEngine();
  answers: CameraAnswer[] = [];
  troubles: SmolvlmError[] = [];
  #service: DescribeService | undefined;

  get service(): DescribeService {
    return this.#service ?? assert.fail('the service is not started');
  }

  start(settings: Partial<ServiceSettings> = {}, prepare = asGiven): void {
    this.transport = new FakeTransport();
    this.engine = new FakeEngine();
    this.answers = [];
    this.troubles = [];
    this.#service = new DescribeService({
      transport: this.transport,
      engine: this.engine,
      settings: { ...plain, ...settings },
      version: '1.2.3',
      fillPrompt,
      prepare,
      onTrouble: (error) => this.troubles.push(error),
      onAnswer: (_request, answer) => this.answers.push(answer),
    });
    this.#service.start();
    this.transport.connect();
    this.transport.published.length = 0;
  }

  /** Waits until so many requests have ended. */
  async ended(count: number): Promise<void> {
    while (this.answers.length < count) await turn();
    assert.equal(this.answers.length, count);
    await turn();
  }

  /** The picture on a topic, once it is published. */
  async published(topic: string): Promise<Buffer> {
    for (;;) {
      const message = this.transport.published.find((each) => each.topic === topic);
      if (message) return Buffer.from(message.payload as Uint8Array);
      await turn();
    }
  }

  async close(): Promise<void> {
    await this.#service?.close();
  }
}
