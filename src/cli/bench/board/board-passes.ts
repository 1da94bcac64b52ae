import type { Bundle } from '../../../model/bundle/read-bundle';
import { readModelConfigs } from '../../../model/checkpoint/checkpoint';
import { SystemFiles } from '../../../platform/recording/system-files';
import { chipTemperature } from '../../../platform/temperature';
import { defined } from '../../../system/defined';
import type { Settings } from '../../../system/settings';
import { npuAccess, openVisionBackend, type RknnSettings } from '../../../vision/open-vision-backend';
import { openVisionTower } from '../../../vision/open-vision-tower';
import type { TileEncoder } from '../../../vision/vision-tower';
import type { CommandIo } from '../../command/command';

/** A camera's frame at full detail. */
const tiles = 13;

const ways: Readonly<Record<string, Pick<RknnSettings, 'zeroCopy' | 'sharedScratch'>>> = {
  safe: {},
  zero_copy: { zeroCopy: true },
  shared_scratch: { sharedScratch: true },
};

/** Times of one tile and of many, on the safe path and with the options; temperatures before and after. */
export async function boardPasses(
  bundle: Bundle,
  { signal }: CommandIo,
  { npu }: Settings,
): Promise<unknown> {
  const files = new SystemFiles();
  const before = chipTemperature(files);
  const measured: Record<string, unknown> = {};
  for (const [name, way] of Object.entries(ways))
    measured[name] = await measureWay(bundle, { ...npuAccess(npu), ...way }, signal);
  return { tiles, ways: measured, temperature: { before, after: chipTemperature(files) } };
}

async function measureWay(bundle: Bundle, way: RknnSettings, signal: AbortSignal): Promise<unknown> {
  const refused: string[] = [];
  const npu = { ...way, onRefused: (why: string) => void refused.push(why) };
  const backend = await openVisionBackend(bundle, { npu });
  try {
    const { config } = await readModelConfigs(bundle.dir);
    const { channels, imageSize } = config.vision;
    const pixels = new Float32Array(channels * imageSize ** 2).map((_, index) => Math.sin(index));
    const pass = async (inFlight: number, count: number) => {
      const tower = await openVisionTower(bundle, backend, { tilesInFlight: inFlight });
      try {
        await timed(tower, [pixels], signal);
        return await timed(
          tower,
          Array.from({ length: count }, () => pixels),
          signal,
        );
      } finally {
        await tower.close();
      }
    };
    const cores = Math.max(1, backend.cores ?? 1);
    const sequential = await pass(1, tiles);
    const pipelined = await pass(2 * cores + 1, tiles);
    return {
      one_tile: await pass(1, 1),
      sequential_ms: sequential.ms,
      pipelined_ms: pipelined.ms,
      ratio: sequential.ms / pipelined.ms,
      ...defined({ refused: refused.length > 0 ? refused : undefined }),
    };
  } finally {
    await backend.close();
  }
}

async function timed(tower: TileEncoder, pixels: readonly Float32Array[], signal: AbortSignal) {
  const stages: Record<string, number> = {};
  const started = performance.now();
  await tower.encode(pixels, {
    signal,
    onProgress: ({ stage, ms }) => {
      stages[stage] = (stages[stage] ?? 0) + ms;
    },
  });
  return { ms: performance.now() - started, stages_ms: stages };
}
