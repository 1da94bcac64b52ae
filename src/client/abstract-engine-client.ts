import { randomUUID } from 'node:crypto';
import type { DescribeRequest } from '../protocol/describe-request';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import type { DescribeFinal, FeaturesFinal, FinalEvent } from '../protocol/events';
import type { ConnectionState, DescribeInput, DescribeOptions, EngineApi, FeaturesInput } from './engine-api';
import { type OpenRequest, OpenRequests } from './open-requests';

/** What the clients of one engine and of a group of hubs have in common: their requests without an answer. */
export abstract class AbstractEngineClient<Request extends OpenRequest> implements EngineApi {
  protected readonly requests: OpenRequests<Request>;
  #closing: Promise<void> | undefined;

  /** @param maxKeptBytes limit on the pictures kept for unanswered requests */
  constructor(maxKeptBytes: number | undefined) {
    this.requests = new OpenRequests(maxKeptBytes);
  }

  get state(): ConnectionState {
    return this.requests.state;
  }

  async describe(
    input: DescribeInput,
    pictures: readonly Uint8Array[],
    options: DescribeOptions = {},
  ): Promise<DescribeFinal> {
    const request = { ...input, id: input.id ?? randomUUID() };
    return describeFinal(await this.send(request, pictures, options, input.id));
  }

  async encode(
    input: FeaturesInput,
    pictures: readonly Uint8Array[],
    options: DescribeOptions = {},
  ): Promise<FeaturesFinal> {
    const request = { ...input, task: 'features', id: input.id ?? randomUUID() } as const;
    return featuresFinal(await this.send(request, pictures, options, input.id));
  }

  cancel(id: string): void {
    this.requests.cancel(id);
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    return this.requests.onState(listener);
  }

  /** Each call waits until the client is closed. */
  close(): Promise<void> {
    this.#closing ??= this.requests.close().then(() => this.disconnect());
    return this.#closing;
  }

  abstract open(): Promise<void>;
  abstract status(signal?: AbortSignal): Promise<EngineStatus>;
  abstract doctor(model?: string): Promise<DoctorReport>;

  /** Never rejects. @param chosenId the request's id if the caller has chosen it */
  protected abstract send(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    options: DescribeOptions,
    chosenId: string | undefined,
  ): Promise<FinalEvent>;

  /** Called once, when no request is open any more. */
  protected abstract disconnect(): Promise<void>;
}

/** The end of a description; an error if its id belongs to a request for features. */
function describeFinal(final: FinalEvent): DescribeFinal {
  return final.type === 'features' ? answeredOtherwise(final) : final;
}

/** The end of a request for features; an error if its id belongs to a description. */
function featuresFinal(final: FinalEvent): FeaturesFinal {
  return final.type === 'result' ? answeredOtherwise(final) : final;
}

function answeredOtherwise({ id, type }: FinalEvent): DescribeFinal & FeaturesFinal {
  const kind = type === 'features' ? 'features' : 'a description';
  const message = `the id "${id}" belongs to a request for ${kind}`;
  return { type: 'error', id, error: { code: 'client-id-in-use', message } };
}
