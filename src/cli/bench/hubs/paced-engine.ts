import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { DescribeInput, DescribeOptions, EngineApi } from '../../../client/engine-api';
import { packageVersion } from '../../../package-version';
import type { DoctorReport } from '../../../protocol/doctor-report';
import { type EngineStatus, protocolVersion } from '../../../protocol/engine-status';
import type { DescribeFinal } from '../../../protocol/events';
import { modelledCaption } from './modelled-captioner';
import { modelledName } from './modelled-schedule';

/** An engine without process, queue or model: a caption takes a fixed time. Many of them fit into one process. */
export class PacedEngine implements EngineApi {
  readonly state = 'connected';
  readonly #captionMs: number;
  readonly #model: string;
  readonly #instance = randomUUID();

  constructor(captionMs: number) {
    this.#captionMs = captionMs;
    this.#model = modelledName({ kind: 'fixed', captionMs });
  }

  async describe(
    { id = randomUUID(), prompt = '' }: DescribeInput,
    pictures: readonly Uint8Array[],
    { onEvent, signal }: DescribeOptions = {},
  ): Promise<DescribeFinal> {
    onEvent?.({ type: 'progress', id, phase: 'vision', done: 1, total: 1 });
    const total = this.#captionMs;
    try {
      await delay(total, undefined, { ...(signal && { signal }) });
    } catch {
      return { type: 'dropped', id, reason: 'cancelled', message: 'the request was cancelled' };
    }
    return {
      type: 'result',
      id,
      result: {
        ...modelledCaption(this.#model, pictures.length, { visionMs: total, textMs: 0 }, prompt),
        queuedMs: 0,
      },
    };
  }

  async status(): Promise<EngineStatus> {
    const lastUsedAt = new Date().toISOString();
    return {
      state: 'ready',
      version: packageVersion(),
      protocol: protocolVersion,
      instance: this.#instance,
      pid: process.pid,
      uptimeMs: 0,
      leases: 0,
      models: [{ model: this.#model, backend: 'modelled', memoryBytes: 0, framesInFlight: 1, lastUsedAt }],
      cameras: {},
      coreLoad: [],
      memory: { rssBytes: 0, modelLimitBytes: 0 },
      lastErrors: [],
    };
  }

  encode(): never {
    throw new Error('a paced engine has no features');
  }

  doctor(): Promise<DoctorReport> {
    throw new Error('a paced engine has no doctor');
  }

  async open(): Promise<void> {}

  cancel(): void {}

  onState(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}
