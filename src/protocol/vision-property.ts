import type { DropReason, FeaturesFinal } from './events';
import type { FeaturesResult } from './features';

/** `msg.vision` of a frame that was seen. */
export interface VisionProperty extends Omit<FeaturesResult, 'handles' | 'vision' | 'thumbnail'> {
  /** Milliseconds of each stage, over all tiles; absent when the engine had seen the frame before. */
  readonly stagesMs?: Readonly<Record<string, number>>;
  /** Share of the vision time that each NPU core worked for this frame, 0 … 1; absent on a CPU. */
  readonly coreBusy?: readonly number[];
}

/** `msg.vision` of a frame that was not seen. */
export interface DroppedSight {
  readonly dropped: DropReason;
  readonly reason: string;
  readonly camera?: string;
}

export function visionProperty(features: FeaturesResult): VisionProperty {
  const { handles: _handles, thumbnail: _small, vision, ...rest } = features;
  return { ...rest, ...vision };
}

export function droppedSight(
  { reason, message }: FeaturesFinal & { type: 'dropped' },
  camera: string | undefined,
): DroppedSight {
  return { dropped: reason, reason: message, ...(camera !== undefined && { camera }) };
}
