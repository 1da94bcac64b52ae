import { OnnxVisionBackend } from '../../backends/onnxruntime/onnx-vision-backend';
import { preparedBundle } from '../../convert/bundle/prepared-bundle';
import { SmolvlmError } from '../../errors';
import { decodePicture } from '../../image/decode-picture';
import { pixelValues } from '../../image/pixel-values';
import { prepareTiles } from '../../image/tiles';
import type { Bundle } from '../../model/bundle/read-bundle';
import { readModelConfigs } from '../../model/checkpoint/checkpoint';
import { imageTokensPerTile, patchesPerTile } from '../../model/checkpoint/model-config';
import { resolveModel } from '../../model/hub/resolve-model';
import { readPicture } from '../../picture/picture-source';
import { details } from '../../protocol/describe-request';
import { cpuStagePrecisions } from '../../protocol/models/conversion-choices';
import { openVisionTower } from '../../vision/open-vision-tower';
import { type Command, type CommandIo, optionalChoice, requiredString } from '../command/command';
import { checkOutputFile } from '../command/output-file';
import { ActivationSpool } from './activation-spool';

export const command: Command = {
  summary: 'Write the output of every stage of the vision side for a picture',
  usage:
    'inspect activations --model M --image F [--detail low|full] [--precision float32|int8] --out F.safetensors',
  options: {
    model: { type: 'string' },
    image: { type: 'string' },
    detail: { type: 'string' },
    precision: { type: 'string' },
    out: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const image = requiredString(values, 'image');
    const out = requiredString(values, 'out');
    await checkOutputFile('--out', out);
    const detail = optionalChoice(values, 'detail', details) ?? 'low';
    const visionPrecision = optionalChoice(values, 'precision', cpuStagePrecisions) ?? 'float32';
    const { dir } = await resolveModel(requiredString(values, 'model'));
    const bundle = await preparedBundle(
      dir,
      { visionPrecision },
      {
        signal: io.signal,
        onProgress: ({ part, done, total }) => io.log(`preparing ${part} (${done}/${total})`),
      },
    );
    if (bundle.manifest.target !== 'cpu') throw wrongTarget(bundle);
    const { imageProcessor } = await readModelConfigs(bundle.dir);
    const picture = await decodePicture(await readPicture(image, undefined, io.signal));
    const tiles = prepareTiles(picture, imageProcessor, detail).images.map((tile) =>
      pixelValues(tile, imageProcessor),
    );
    const names = await writeActivations(bundle, tiles, out, io);
    io.result(
      { out, tiles: tiles.length, activations: names },
      `${out}: ${names.length} activations of ${tiles.length} tiles`,
    );
    return 0;
  },
};

async function writeActivations(
  bundle: Bundle,
  tiles: readonly Float32Array[],
  out: string,
  io: CommandIo,
): Promise<readonly string[]> {
  const { config } = await readModelConfigs(bundle.dir);
  const backend = await OnnxVisionBackend.load();
  const spool = await ActivationSpool.create();
  try {
    const tower = await openVisionTower(bundle, backend);
    await tower.encode(tiles, {
      signal: io.signal,
      activations: (name, _tile, values) => spool.add(name, values),
    });
    return await spool.write(out, (name) =>
      name === 'connector' ? imageTokensPerTile(config) : patchesPerTile(config),
    );
  } finally {
    await spool.close();
    await backend.close();
  }
}

function wrongTarget({ dir, manifest }: Bundle): SmolvlmError {
  return new SmolvlmError(
    'inspect-target',
    `${dir}: expected a cpu bundle, found one for ${manifest.target}`,
    {
      hint: 'Give the checkpoint instead, which is then prepared for the CPU. For an NPU bundle use smolvlm validate.',
    },
  );
}
