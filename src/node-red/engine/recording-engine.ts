import type {
  ConnectionState,
  DescribeInput,
  DescribeOptions,
  EngineApi,
  FeaturesInput,
} from '../../client/engine-api';
import type { DoctorReport } from '../../protocol/doctor-report';
import type { EngineStatus } from '../../protocol/engine-status';
import type { DescribeFinal, FeaturesFinal } from '../../protocol/events';
import type { RecentFrames } from './recent-frames';

/** Longest side in pixels: the sidebar shows it at half the size, for high-density screens. */
const thumbnailSide = 192;

/** An engine client that also keeps the recent frames, with thumbnails made by the engine. */
export class RecordingEngine implements EngineApi {
  readonly #engine: EngineApi;
  readonly #recent: RecentFrames;

  constructor(engine: EngineApi, recent: RecentFrames) {
    this.#engine = engine;
    this.#recent = recent;
  }

  get state(): ConnectionState {
    return this.#engine.state;
  }

  async describe(
    request: DescribeInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<DescribeFinal> {
    if (this.#recent.capacity === 0) return await this.#engine.describe(request, pictures, options);
    const final = await this.#engine.describe({ thumbnailSide, ...request }, pictures, options);
    this.#recent.add(request, final);
    if (final.type !== 'result' || request.thumbnailSide !== undefined) return final;
    const { thumbnail: _kept, ...result } = final.result;
    return { ...final, result };
  }

  async encode(
    request: FeaturesInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<FeaturesFinal> {
    if (this.#recent.capacity === 0) return await this.#engine.encode(request, pictures, options);
    const final = await this.#engine.encode({ thumbnailSide, ...request }, pictures, options);
    if (final.type !== 'features') {
      this.#recent.add(request, final);
      return final;
    }
    const { thumbnail, ...features } = final.features;
    if (thumbnail) this.#recent.addThumbnail(features.frameHash, thumbnail);
    return request.thumbnailSide === undefined ? { ...final, features } : final;
  }

  open(): Promise<void> {
    return this.#engine.open();
  }

  status(signal?: AbortSignal): Promise<EngineStatus> {
    return this.#engine.status(signal);
  }

  doctor(model?: string): Promise<DoctorReport> {
    return this.#engine.doctor(model);
  }

  cancel(id: string): void {
    this.#engine.cancel(id);
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    return this.#engine.onState(listener);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
