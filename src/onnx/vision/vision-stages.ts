import type { VisionGranularity } from '../../model/bundle/bundle-manifest';
import type { HalfLayer } from './cpu-vision-stage';

export interface VisionStagePlan {
  /** `l{i}_attn`, `l{i}_mlp`, `l{i}` or `vision`. */
  readonly name: string;
  /** In the order they run. */
  readonly halves: readonly HalfLayer[];
}

/** Splits a tower of `layers` layers into stages, in the order they run. */
export function visionStages(layers: number, granularity: VisionGranularity): readonly VisionStagePlan[] {
  const perLayer = Array.from({ length: layers }, (_, layer): readonly HalfLayer[] => [
    { layer, half: 'attn' },
    { layer, half: 'mlp' },
  ]);
  switch (granularity) {
    case 'half-layer':
      return perLayer.flat().map((half) => ({ name: `l${half.layer}_${half.half}`, halves: [half] }));
    case 'layer':
      return perLayer.map((halves, layer) => ({ name: `l${layer}`, halves }));
    case 'tower':
      return [{ name: 'vision', halves: perLayer.flat() }];
  }
}
