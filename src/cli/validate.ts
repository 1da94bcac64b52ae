import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VisionBackend } from '../backends/stage-runner';
import { findToolkit } from '../convert/toolkit/toolkit-environment';
import { openSimulator } from '../convert/validate/open-simulator';
import { type BundleValidation, validateBundle } from '../convert/validate/validate-bundle';
import { validationChart } from '../convert/validate/validation-chart';
import { SmolvlmError } from '../errors';
import { sharpLibrary } from '../image/sharp-library';
import { cpuFallbackBundle } from '../model/bundle/cpu-fallback-bundle';
import type { Bundle } from '../model/bundle/read-bundle';
import { type ToolkitVersion, toolkitVersions } from '../protocol/models/conversion-choices';
import { defined } from '../system/defined';
import type { Settings } from '../system/settings';
import { npuAccess, openVisionBackend } from '../vision/open-vision-backend';
import { alignedTable } from './command/aligned-table';
import {
  type Command,
  type CommandIo,
  type OptionValues,
  optionalChoice,
  optionalString,
  UsageError,
} from './command/command';
import { cosineBounds } from './command/cosine-bounds';
import { checkOutputFile } from './command/output-file';
import { bundleWithReference } from './convert/bundle-with-reference';

const backends = ['simulator', 'npu', 'cpu'] as const;
type BackendName = (typeof backends)[number];

/** `smolvlm validate`: compares a bundle's stages with the float32 reference in it. */
export const command: Command = {
  takesArguments: true,
  summary: 'Compare every stage of a bundle with the float32 reference in it; fails when a bound is missed',
  usage:
    'validate BUNDLE [--backend simulator|npu|cpu] [--chart F.svg|F.png] [--stage-cosine 0.999] [--tower-cosine 0.998]\n' +
    '       smolvlm validate SHARDS --checkpoint M   (a folder l0_attn.rknn … without a manifest)\n' +
    '       the simulator (on x86-64) builds the stages again: [--model CHECKPOINT] [--calibration DIR] [--python PYTHON]',
  options: {
    backend: { type: 'string' },
    chart: { type: 'string' },
    model: { type: 'string' },
    checkpoint: { type: 'string' },
    calibration: { type: 'string' },
    python: { type: 'string' },
    'stage-cosine': { type: 'string' },
    'tower-cosine': { type: 'string' },
  },
  async run(values, positionals, io, settings) {
    const [dir, ...rest] = positionals;
    if (dir === undefined || rest.length > 0)
      throw new UsageError('expected one bundle', 'smolvlm validate BUNDLE');
    const chosen = optionalChoice(values, 'backend', backends);
    const bounds = cosineBounds(values);
    const chart = chartPath(values);
    if (chart !== undefined) await checkOutputFile('--chart', chart);
    const found = await bundleWithReference(dir, values, io, settings);
    const backendName = chosen ?? usualBackend(found);
    const bundle = bundleFor(backendName, found);
    const work = await mkdtemp(join(tmpdir(), 'smolvlm-validate-'));
    try {
      const backend = await openBackend(bundle, backendName, work, values, io, settings);
      try {
        const validation = await validateBundle(bundle, backend, bounds, {
          signal: io.signal,
          onStage: (step, done, total) => io.progress({ step, done, total }),
        });
        if (chart !== undefined) await writeChart(chart, validationChart(validation));
        io.result(validationDocument(validation), validationTable(validation));
        return validation.pass ? 0 : 1;
      } finally {
        await backend.close();
      }
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** The default backend for a bundle on this machine. */
function usualBackend({ manifest }: Bundle): BackendName {
  if (manifest.target === 'cpu') return 'cpu';
  // Without its settings a stage cannot be built again for the simulator.
  if (!manifest.conversion) return 'npu';
  return process.arch === 'arm64' ? 'npu' : 'simulator';
}

/** The stages a backend runs. @throws SmolvlmError `validate-backend` if the bundle has none for it */
function bundleFor(backend: BackendName, bundle: Bundle): Bundle {
  const { target } = bundle.manifest;
  if (target === 'cpu') {
    if (backend === 'cpu') return bundle;
    throw new SmolvlmError('validate-backend', `${bundle.dir} was made for cpu: ${backend} cannot run it`, {
      hint: 'Use --backend cpu.',
    });
  }
  const stages = backend === 'cpu' ? cpuFallbackBundle(bundle) : bundle;
  if (stages) return stages;
  throw new SmolvlmError(
    'validate-backend',
    `${bundle.dir} was made for ${target} and has no stages for the CPU`,
    {
      hint: 'Use --backend npu on the hub, or --backend simulator on a PC.',
    },
  );
}

async function openBackend(
  bundle: Bundle,
  name: BackendName,
  work: string,
  values: OptionValues,
  io: CommandIo,
  { npu, convert, cacheDir }: Settings,
): Promise<VisionBackend> {
  if (name !== 'simulator') return openVisionBackend(bundle, { npu: npuAccess(npu) });
  const model = optionalString(values, 'model');
  const calibration = optionalString(values, 'calibration');
  const python = optionalString(values, 'python') ?? convert.python;
  const total = bundle.manifest.stages.length;
  let built = 0;
  return openSimulator(bundle, {
    toolkit: await findToolkit({ version: madeWith(bundle), cacheDir, ...defined({ python }) }),
    work,
    ...defined({ model, calibration }),
    signal: io.signal,
    onFrame: (frame, count) =>
      io.progress({ step: `frame ${frame} of ${count} through the float32 tower`, done: 0, total }),
    onStage: (stage) => io.progress({ step: `building ${stage} for the simulator`, done: built++, total }),
  });
}

/** The simulator builds the stages again with the same toolkit. @throws SmolvlmError `validate-backend` for an unsupported release */
function madeWith({ dir, manifest: { toolkitVersion } }: Bundle): ToolkitVersion {
  const version = toolkitVersions.find((known) => known === toolkitVersion);
  if (version) return version;
  throw new SmolvlmError(
    'validate-backend',
    `${dir} was made with rknn-toolkit2 ${toolkitVersion ?? 'of unknown version'}; the simulator supports ${toolkitVersions.join(' or ')}`,
    { hint: 'Use --backend npu on the hub, or convert the checkpoint again.' },
  );
}

/** @throws UsageError for an unsupported file type */
function chartPath(values: OptionValues): string | undefined {
  const path = optionalString(values, 'chart');
  if (path === undefined || /\.(svg|png)$/i.test(path)) return path;
  throw new UsageError(`--chart: expected a name that ends with .svg or .png, received "${path}"`);
}

async function writeChart(path: string, svg: string): Promise<void> {
  if (/\.svg$/i.test(path)) return writeFile(path, svg);
  const sharp = await sharpLibrary();
  // Twice the drawing's own size, for high-resolution screens.
  await sharp(Buffer.from(svg), { density: 144 }).png().toFile(path);
}

/** The JSON document; names as in the manifest and the other commands' documents. */
export function validationDocument({ pass, backend, bounds, endToEndCosine, stages }: BundleValidation) {
  return {
    pass,
    backend,
    bounds,
    end_to_end_cosine: endToEndCosine,
    stages: stages.map((stage) => ({
      name: stage.name,
      precision: stage.precision,
      cosine: stage.cosine,
      accumulated_cosine: stage.accumulatedCosine,
      max_abs_error: stage.maxAbsError,
      pass: stage.pass,
    })),
  };
}

function validationTable({ pass, backend, endToEndCosine, stages }: BundleValidation): string {
  const rows = stages.map((stage) => [
    stage.name,
    stage.precision,
    stage.cosine.toFixed(6),
    stage.accumulatedCosine.toFixed(6),
    stage.maxAbsError.toPrecision(3),
    stage.pass ? 'ok' : 'MISSED',
  ]);
  return [
    alignedTable(['stage', 'precision', 'cosine', 'accumulated', 'max error', ''], rows),
    '',
    `${pass ? 'passed' : 'FAILED'} on ${backend}; rows for the decoder: cosine ${endToEndCosine.toFixed(6)}`,
  ].join('\n');
}
