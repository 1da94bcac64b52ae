import type { CameraStatus } from '../protocol/engine-status';
import type { DropReason } from '../protocol/events';

/** How a request ended. */
export type Outcome = 'done' | 'failed' | DropReason;

/** Cameras counted at a time; keys come from outside, so their number must be bounded. */
const rememberedCameras = 1000;

interface Counts {
  waiting: number;
  running: number;
  done: number;
  failed: number;
  readonly dropped: Partial<Record<DropReason, number>>;
}

/** Counts each camera's requests by state and outcome; every request offered is in exactly one count. */
export class CameraCounts {
  readonly #cameras = new Map<string, Counts>();

  wait(camera: string): void {
    this.#counts(camera).waiting += 1;
  }

  start(camera: string): void {
    const counts = this.#counts(camera);
    counts.waiting -= 1;
    counts.running += 1;
  }

  /** @param from where the request was; `offered` when it never waited */
  end(camera: string, from: 'offered' | 'waiting' | 'running', outcome: Outcome): void {
    const counts = this.#counts(camera);
    if (from !== 'offered') counts[from] -= 1;
    if (outcome === 'done' || outcome === 'failed') counts[outcome] += 1;
    else counts.dropped[outcome] = (counts.dropped[outcome] ?? 0) + 1;
  }

  status(): Record<string, CameraStatus> {
    const entries = [...this.#cameras].map(([camera, counts]) => [
      camera,
      { ...counts, dropped: { ...counts.dropped } },
    ]);
    // No prototype: a camera may be called "__proto__".
    return Object.assign(Object.create(null), Object.fromEntries(entries));
  }

  #counts(camera: string): Counts {
    let counts = this.#cameras.get(camera);
    if (!counts) {
      this.#forgetOne();
      counts = { waiting: 0, running: 0, done: 0, failed: 0, dropped: {} };
      this.#cameras.set(camera, counts);
    }
    return counts;
  }

  #forgetOne(): void {
    if (this.#cameras.size < rememberedCameras) return;
    for (const [camera, { waiting, running }] of this.#cameras) {
      if (waiting + running > 0) continue;
      this.#cameras.delete(camera);
      return;
    }
  }
}
