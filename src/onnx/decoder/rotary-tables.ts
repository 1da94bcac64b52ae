import type { TextConfig } from '../../model/checkpoint/model-config';
import type { GraphBuilder } from '../graph-builder';

/** Names of the two tables, float32 [maxPositionEmbeddings, headDim / 2]. */
export interface RotaryTables {
  readonly cos: string;
  readonly sin: string;
}

/**
 * Cosine and sine of position / theta^(2i / headDim) for every position the model was trained for
 * (Su et al., "RoFormer", 2021; halves are paired as in Llama).
 */
export function rotaryTables(graph: GraphBuilder, text: TextConfig): RotaryTables {
  const half = text.headDim / 2;
  const shape = [text.maxPositionEmbeddings, half];
  const table = (name: string, wave: (angle: number) => number): string =>
    graph.weight(name, {
      dtype: 'float32',
      shape,
      *chunks() {
        const values = new Float32Array(text.maxPositionEmbeddings * half);
        for (let index = 0; index < values.length; index++) {
          // The reference computes the angle in float32.
          const frequency = Math.fround(1 / text.ropeTheta ** ((2 * (index % half)) / text.headDim));
          values[index] = wave(Math.fround(Math.floor(index / half) * frequency));
        }
        yield new Uint8Array(values.buffer);
      },
    });
  return { cos: table('rotary_cos', Math.cos), sin: table('rotary_sin', Math.sin) };
}
