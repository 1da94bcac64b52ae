import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'mocha';
import type { DescribeFinal } from '../../src/protocol/events';
import type { Timeline } from '../../src/timeline/http/timeline';
import { type ServedTimeline, type ServeTimeline, token } from '../timeline/http/served-timeline';
import { MemoryTimeline } from '../timeline/memory-timeline';

export type Parsed = ReturnType<typeof JSON.parse>;

export const noon = new Date(2026, 10, 27, 12).getTime();
export const minute = 60_000;

/** A timeline that a server serves, new for each test of a suite, and requests to it. */
export class ContractTimeline {
  store!: MemoryTimeline;
  served!: ServedTimeline;
  ask: NonNullable<Timeline['ask']> = async () => result('Yes.');

  /** Call it inside the suite. */
  constructor(serve: ServeTimeline) {
    beforeEach(async () => {
      this.store = new MemoryTimeline();
      this.ask = async () => result('Yes.');
      this.served = await serve({
        ...{ id: 'home', name: 'Home', store: this.store },
        ask: (...values) => this.ask(...values),
      });
    });
    afterEach(() => this.served.close());
  }

  readonly send = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(new URL(path, this.served.url), {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
    });

  readonly json = async (path: string): Promise<Parsed> => {
    const response = await this.send(path);
    assert.equal(response.status, 200, await response.clone().text());
    return await response.json();
  };

  readonly refusal = async (path: string, init: RequestInit = {}): Promise<readonly [number, string]> => {
    const response = await this.send(path, init);
    const { error } = (await response.json()) as Parsed;
    return [response.status, error.code];
  };

  readonly add = (text: string, more: object = {}): Promise<number> =>
    this.store.add({ camera: 'porch', text, timeMs: noon, ...more });
}

export function result(text: string): DescribeFinal {
  return { type: 'result', id: '', result: { text } } as DescribeFinal;
}
