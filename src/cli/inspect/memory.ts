import { readModelConfigs } from '../../model/checkpoint/checkpoint';
import { imageTokensPerTile } from '../../model/checkpoint/model-config';
import { type HubUse, hubBytes, modelMemory, smallestHub } from '../../model/checkpoint/model-memory';
import { alignedTable } from '../command/aligned-table';
import { type Command, optionalInteger } from '../command/command';
import { modelFolder } from './model-folder';

/** A picture in full detail (13 tiles) and its question; low detail needs about a tenth. */
const usualTokens = (rowsPerTile: number): number => 13 * rowsPerTile + 200;

export const command: Command = {
  summary: 'Compute the memory that a model needs on NPU and CPU from its config, and the hub it fits on',
  usage:
    'inspect memory --model M [--context TOKENS]   (a folder with the configs is enough; no weights are read)',
  options: { model: { type: 'string' }, context: { type: 'string' } },
  async run(values, _positionals, io) {
    const { config } = await readModelConfigs(await modelFolder(values));
    const memory = modelMemory(config);
    const contextTokens = optionalInteger(values, 'context', 1) ?? usualTokens(imageTokensPerTile(config));
    const uses = (['vision on the NPU', 'all on the NPU', 'all on the CPU'] as const).map((use: HubUse) => {
      const bytes = hubBytes(memory, use, contextTokens);
      return { use, bytes, hub_gb: smallestHub(bytes) };
    });
    const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
    const rows = [
      ['parameters', `${(memory.parameters / 1e6).toFixed(1)} million`],
      ['vision on the NPU, fp16', gigabytes(memory.visionNpuBytes)],
      ['vision on the CPU, int8', gigabytes(memory.visionCpuBytes)],
      ['decoder on the CPU, int8', gigabytes(memory.decoderBytes.int8)],
      ['decoder on the CPU, int4', gigabytes(memory.decoderBytes.int4)],
      ['decoder on the NPU, w8a8', gigabytes(memory.decoderNpuBytes)],
      [`context of ${contextTokens} tokens`, gigabytes(memory.contextBytesPerToken * contextTokens)],
      ['bundle on disk', gigabytes(memory.bundleBytes)],
      ...uses.map(({ use, bytes, hub_gb }) => [
        `engine, ${use}`,
        `${gigabytes(bytes)}: ${hub_gb === undefined ? 'more than any hub has' : `a hub with ${hub_gb} GB`}`,
      ]),
    ];
    io.result({ ...memory, context_tokens: contextTokens, uses }, alignedTable(['', ''], rows).trimStart());
    return 0;
  },
};
