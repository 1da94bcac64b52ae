import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type IClientPublishOptions, type IPublishPacket, type MqttClient } from 'mqtt';

/** A client in the place of Home Assistant or a camera: it publishes, and keeps all messages that it receives. */
export class Watcher {
  readonly seen: { topic: string; text: string; payload: Buffer; packet: IPublishPacket }[] = [];

  private constructor(readonly client: MqttClient) {
    client.on('message', (topic, payload, packet) => {
      this.seen.push({ topic, text: payload.toString('utf8'), payload, packet });
    });
  }

  /** @param filters subscribed at once */
  static async connect(
    port: number,
    protocolVersion: 4 | 5,
    filters: readonly string[] = ['#'],
  ): Promise<Watcher> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion, reconnectPeriod: 50 });
    client.on('error', () => {});
    const watcher = new Watcher(client);
    await client.subscribeAsync([...filters], { qos: 2 });
    return watcher;
  }

  async publish(
    topic: string,
    payload: string | Buffer | object,
    options: IClientPublishOptions = {},
  ): Promise<void> {
    const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    await this.client.publishAsync(topic, body, { qos: 1, ...options });
  }

  /** Waits for a message on the topic, from the n-th received one on. */
  async on(topic: string, wanted: (text: string) => boolean = () => true, from = 0, limitMs = 60_000) {
    for (let waited = 0; waited < limitMs; waited += 10) {
      const found = this.seen.slice(from).find((message) => message.topic === topic && wanted(message.text));
      if (found) return found;
      await delay(10);
    }
    const topics = this.seen
      .slice(-50)
      .map((message) => message.topic)
      .join(', ');
    return assert.fail(`nothing came on ${topic}; received: ${topics}`);
  }

  texts(topic: string): string[] {
    return this.seen.filter((message) => message.topic === topic).map(({ text }) => text);
  }

  async reconnected(): Promise<void> {
    if (!this.client.connected)
      await new Promise<void>((resolve) => this.client.once('connect', () => resolve()));
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}
