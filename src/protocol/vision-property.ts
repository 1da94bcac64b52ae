import { defined } from '../system/defined';
import type { DropReason, FeaturesFinal } from './events';
import type { FeaturesResult } from './features';

/** `msg.vision` of an encoded frame. */
export interface VisionProperty extends Omit<FeaturesResult, 'handles' | 'vision' | 'thumbnail'> {
  /** Milliseconds of each stage, over all tiles; absent when the features came from the cache. */
  readonly stagesMs?: Readonly<Record<string, number>>;
  /** Share of the vision time that each NPU core worked for this frame, 0 … 1; absent on a CPU. */
  readonly coreBusy?: readonly number[];
}

/** `msg.vision` of a dropped frame. */
export interface DroppedVision {
  readonly dropped: DropReason;
  readonly reason: string;
  readonly camera?: string;
}

export function visionProperty(features: FeaturesResult): VisionProperty {
  const { handles: _handles, thumbnail: _small, vision, ...rest } = features;
  return { ...rest, ...vision };
}

export function droppedVision(
  { reason, message }: FeaturesFinal & { type: 'dropped' },
  camera: string | undefined,
): DroppedVision {
  return { dropped: reason, reason: message, ...defined({ camera }) };
}
