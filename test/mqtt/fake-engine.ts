import type { ConnectionState, DescribeInput, DescribeOptions, EngineApi } from '../../src/client/engine-api';
import type { DoctorReport } from '../../src/protocol/doctor-report';
import type { EngineStatus } from '../../src/protocol/engine-status';
import type { DescribeFinal, FeaturesFinal } from '../../src/protocol/events';

export interface Asked {
  readonly request: DescribeInput;
  readonly pictures: readonly Uint8Array[];
  readonly answer: (text: string) => void;
  readonly end: (event: DescribeFinal) => void;
}

/** An engine whose answers the test gives; `auto` answers at once with the prompt. */
export class FakeEngine implements EngineApi {
  readonly state: ConnectionState = 'connected';
  readonly asked: Asked[] = [];
  auto = true;

  describe(
    request: DescribeInput,
    pictures: readonly Uint8Array[],
    options: DescribeOptions = {},
  ): Promise<DescribeFinal> {
    return new Promise((resolve) => {
      const id = request.id ?? 'id';
      const answer = (text: string): void => resolve(result(id, request, text));
      this.asked.push({ request, pictures, answer, end: resolve });
      options.signal?.addEventListener('abort', () =>
        resolve({ type: 'dropped', id, reason: 'cancelled', message: 'cancelled' }),
      );
      if (this.auto) answer(`answer to: ${request.prompt}`);
    });
  }

  async encode(): Promise<FeaturesFinal> {
    throw new Error('not asked');
  }
  async open(): Promise<void> {}
  async status(): Promise<EngineStatus> {
    throw new Error('not asked');
  }
  async doctor(): Promise<DoctorReport> {
    throw new Error('not asked');
  }
  cancel(): void {}
  onState(): () => void {
    return () => {};
  }
  async close(): Promise<void> {}
}

function result(id: string, request: DescribeInput, text: string): DescribeFinal {
  return {
    type: 'result',
    id,
    result: {
      text,
      tokenIds: [1],
      promptTokens: 70,
      tiles: 1,
      finishReason: 'stop',
      timingsMs: { image: 1, vision: 1, prefill: 1, decode: 1, total: 4 },
      queuedMs: 0,
      model: 'fake',
      backend: 'fake',
      cached: false,
      frameHash: '00',
      prompt: request.prompt ?? '',
      ...(request.camera !== undefined && { camera: request.camera }),
      ...(request.capturedAt !== undefined && { capturedAt: request.capturedAt }),
    },
  };
}
