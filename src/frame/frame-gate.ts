import { hammingDistance } from '../picture/prepared-frame';

/** Why a frame is held back. */
export type HeldReason = 'unchanged' | 'stale' | 'cooldown' | 'superseded';

export interface Held {
  readonly reason: HeldReason;
  /** One sentence. */
  readonly message: string;
}

export interface GateSettings {
  /** Frames that differ from the last one that passed in at most so many of 512 bits are held back; absent: none. */
  readonly unchangedBits?: number;
  /** After this time an unchanged frame passes anyway. */
  readonly refreshMs?: number;
  /** The same bytes so many times in a row: the camera is stuck. */
  readonly staleRepeats?: number;
  /** A picture older than this is stale. */
  readonly maxAgeMs?: number;
  /** Pause of a camera after a burst. */
  readonly cooldownMs?: number;
  /** Frames that pass before the pause; default 1. */
  readonly burst?: number;
}

/** A frame before it is decoded. */
export interface ArrivedFrame {
  readonly camera: string;
  /** Of its bytes. */
  readonly sha256: string;
  /** Milliseconds since 1970; absent if unknown. */
  readonly capturedAt?: number;
}

/** A frame is unchanged if it differs from this hash in no more bits. */
export interface UnlessUnchanged {
  readonly differenceHash: string;
  readonly bits: number;
}

interface CameraState {
  sha256?: string;
  repeats: number;
  /** Difference hash and time of the last frame that passed. */
  passed?: { readonly hash: string; readonly at: number };
  burstCount: number;
  burstAt: number;
}

/** More cameras are forgotten, the least recently used first. */
const mostCameras = 1000;

/** Holds back a camera's frames that show nothing new. Times are in milliseconds since 1970 and come from the caller. */
export class FrameGate {
  readonly #settings: GateSettings;
  readonly #cameras = new Map<string, CameraState>();

  constructor(settings: GateSettings) {
    this.#settings = settings;
  }

  /** Judges a frame before it is decoded. @returns why it is held back; undefined if it passes */
  arrive({ camera, sha256, capturedAt }: ArrivedFrame, now: number): Held | undefined {
    const state = this.#state(camera);
    state.repeats = state.sha256 === sha256 ? state.repeats + 1 : 1;
    state.sha256 = sha256;
    const { staleRepeats, maxAgeMs, cooldownMs } = this.#settings;
    if (staleRepeats !== undefined && state.repeats >= staleRepeats) {
      return held('stale', `camera "${camera}" sent the same bytes ${state.repeats} times: it is stuck`);
    }
    if (maxAgeMs !== undefined && capturedAt !== undefined && now - capturedAt > maxAgeMs) {
      return held('stale', `the picture of camera "${camera}" is ${seconds(now - capturedAt)} old`);
    }
    if (cooldownMs === undefined) return undefined;
    const pausedMs = now - state.burstAt;
    if (pausedMs >= cooldownMs) state.burstCount = 0;
    if (state.burstCount < (this.#settings.burst ?? 1)) return undefined;
    return held('cooldown', `camera "${camera}" pauses for ${seconds(cooldownMs - pausedMs)} more`);
  }

  /** The hash that a frame of this moment must differ from. */
  unless(camera: string, now: number): UnlessUnchanged | undefined {
    const { unchangedBits, refreshMs } = this.#settings;
    const passed = this.#cameras.get(camera)?.passed;
    if (unchangedBits === undefined || !passed) return undefined;
    if (refreshMs !== undefined && now - passed.at >= refreshMs) return undefined;
    return { differenceHash: passed.hash, bits: unchangedBits };
  }

  /**
   * Judges a decoded frame, and counts it if it passes.
   * @param unless what `unless` returned before the frame was decoded @returns why it is held back
   */
  decoded(
    camera: string,
    differenceHash: string,
    now: number,
    unless: UnlessUnchanged | undefined,
  ): Held | undefined {
    const bits = unless && hammingDistance(differenceHash, unless.differenceHash);
    if (unless && bits !== undefined && bits <= unless.bits) {
      return held('unchanged', `camera "${camera}" is unchanged (${bits} of 512 bits differ)`);
    }
    const state = this.#state(camera);
    state.passed = { hash: differenceHash, at: now };
    // A camera that is quiet for as long as the cooldown begins a new burst.
    state.burstCount++;
    state.burstAt = now;
    return undefined;
  }

  /** Forgets a camera and its zones (`camera/zone`), so that the next frame passes. */
  reset(camera?: string): void {
    for (const known of [...this.#cameras.keys()]) {
      const isMeant = camera === undefined || known === camera || known.startsWith(`${camera}/`);
      if (isMeant) this.#cameras.delete(known);
    }
  }

  #state(camera: string): CameraState {
    const known = this.#cameras.get(camera);
    const state = known ?? { repeats: 0, burstCount: 0, burstAt: Number.NEGATIVE_INFINITY };
    this.#cameras.delete(camera);
    this.#cameras.set(camera, state);
    const [oldest] = this.#cameras.keys();
    if (this.#cameras.size > mostCameras && oldest !== undefined) this.#cameras.delete(oldest);
    return state;
  }
}

function held(reason: HeldReason, message: string): Held {
  return { reason, message };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
