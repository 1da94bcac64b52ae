import { resolve } from 'node:path';
import { checkBundlePlace } from '../convert/bundle/check-bundle-place';
import { checkMachine, findPython } from '../convert/toolkit/find-python';
import { checkpointsFolder } from '../model/cache-folder';
import { openCheckpoint } from '../model/checkpoint/checkpoint';
import { rememberCheckpointPlace } from '../model/checkpoint/checkpoint-places';
import { resolveModel } from '../model/hub/resolve-model';
import { bundleTargets, toolkitVersions } from '../protocol/models/conversion-choices';
import { namingReadOnly } from '../system/files/read-only-folder';
import { withFileLock } from '../system/lock/file-lock';
import { type Command, optionalString, requiredString } from './command/command';
import { adoptShards } from './convert/adopt-shards';
import { chosenConversion } from './convert/convert-options';
import { convertForCpu } from './convert/cpu-conversion';
import { convertForNpu } from './convert/npu-conversion';
import { logDroppedVariables, setUpToolkit, toolkitChoice } from './convert/toolkit-options';

/** `smolvlm convert`: a checkpoint to a bundle for an NPU or a CPU; `--setup` installs the toolkit. */
export const command: Command = {
  summary: 'Convert a checkpoint to a bundle for an RK3588 or RK3576 (on x86-64 Linux), or for a CPU',
  usage:
    `convert --setup [--toolkit ${toolkitVersions.join('|')}] [--python PYTHON]\n` +
    `       smolvlm convert --model M --out B --target ${bundleTargets.join('|')} [--setup]\n` +
    `         [--toolkit ${toolkitVersions.join('|')}] (the version of librknnrt on the hub)\n` +
    '         [--precision fp16|hybrid|auto] [--int8-layers 2,3,4] [--calibration DIR]\n' +
    '         [--granularity half-layer|layer|tower] [--query-rows 32] [--residual-scale 0.1]\n' +
    '         [--stage-cosine 0.999] [--tower-cosine 0.998] [--decoder float32|int8|int4] [--no-cpu-stages]\n' +
    '         [--python PYTHON] [--rkllm-python PYTHON] [--workers N] [--resume]\n' +
    '       (--target cpu takes --precision float32|int8)\n' +
    '       smolvlm convert --shards DIR --model M --out B   (shards made elsewhere, l0_attn.rknn …, and their checkpoint)',
  options: {
    setup: { type: 'boolean' },
    model: { type: 'string' },
    shards: { type: 'string' },
    out: { type: 'string' },
    target: { type: 'string' },
    precision: { type: 'string' },
    'int8-layers': { type: 'string' },
    calibration: { type: 'string' },
    granularity: { type: 'string' },
    'query-rows': { type: 'string' },
    'residual-scale': { type: 'string' },
    'stage-cosine': { type: 'string' },
    'tower-cosine': { type: 'string' },
    decoder: { type: 'string' },
    'no-cpu-stages': { type: 'boolean' },
    toolkit: { type: 'string' },
    python: { type: 'string' },
    'rkllm-python': { type: 'string' },
    workers: { type: 'string' },
    // Finished parts are always used again; the option only makes that explicit.
    resume: { type: 'boolean' },
  },
  async run(values, _positionals, io, settings) {
    const conversion = chosenConversion(values);
    const choice = toolkitChoice(values, settings);
    const toolkit = values.setup === true ? await setUpToolkit(choice, io) : undefined;
    if (toolkit !== undefined && conversion === undefined) {
      const { version } = await findPython(toolkit.python);
      io.result(
        { python: toolkit.python, python_version: version, toolkit_version: toolkit.version },
        `rknn-toolkit2 ${toolkit.version} is ready: ${toolkit.python} (Python ${version})`,
      );
      return 0;
    }
    const model = requiredString(values, 'model');
    const out = resolve(requiredString(values, 'out'));
    const shards = optionalString(values, 'shards');
    const target = conversion === 'shards' || conversion === 'cpu' ? undefined : conversion;
    if (target !== undefined) checkMachine(process.platform, process.arch);
    const { dir } = await resolveModel(model, checkpointsFolder(settings.cacheDir));
    await checkBundlePlace(out);
    const checkpoint = await openCheckpoint(dir);
    try {
      if (target !== undefined) logDroppedVariables(io);
      await rememberCheckpointPlace(await checkpoint.sha256(), checkpoint.dir, settings.cacheDir);
      const convert = (): Promise<number> => {
        if (shards !== undefined) return adoptShards(shards, checkpoint, out, values, io);
        return target === undefined
          ? convertForCpu(checkpoint, out, values, io)
          : convertForNpu({ checkpoint, out, target, ready: toolkit }, values, io, settings);
      };
      const options = {
        signal: io.signal,
        onWait: (pid: number) => io.log(`waiting for process ${pid}, which is converting to ${out}`),
      };
      return await namingReadOnly(out, () => withFileLock(`${out}.lock`, convert, options));
    } finally {
      await checkpoint.close();
    }
  },
};
