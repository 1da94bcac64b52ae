import { cpus, release, totalmem } from 'node:os';
import { errorBody } from '../../../errors';
import type { Bundle } from '../../../model/bundle/read-bundle';
import { diagnose } from '../../../platform/doctor/diagnose';
import type { Settings } from '../../../system/settings';
import type { CommandIo } from '../../command/command';
import { boardCaptions } from './board-captions';
import { boardContexts } from './board-contexts';
import { boardPasses } from './board-passes';
import { boardRkllm } from './board-rkllm';
import { boardValidation } from './board-validation';

/** A part of the report: its result, or why there is none. */
type Section = { readonly seconds: number } & ({ readonly found: unknown } | { readonly error: unknown });

/** The measurements on a board; docs/board-checklist.md lists the expected values. */
const sections: Readonly<
  Record<string, (bundle: Bundle, io: CommandIo, settings: Settings) => Promise<unknown>>
> = {
  doctor: ({ dir }) => diagnose([dir]),
  contexts: boardContexts,
  validation: boardValidation,
  passes: boardPasses,
  captions: boardCaptions,
  rkllm: boardRkllm,
};

/** Runs all measurements; a part that fails does not affect the others. */
export async function boardReport(
  bundle: Bundle,
  io: CommandIo,
  settings: Settings,
): Promise<Record<string, unknown>> {
  const report: Record<string, unknown> = {
    created: new Date().toISOString(),
    machine: { kernel: release(), cpu: cpus()[0]?.model, cores: cpus().length, memory_bytes: totalmem() },
    node: process.version,
    bundle: {
      ...bundle.manifest,
      stages: bundle.manifest.stages.length,
      cpuStages: undefined,
      configs: undefined,
    },
  };
  for (const [name, measure] of Object.entries(sections)) {
    io.signal.throwIfAborted();
    io.log(name);
    report[name] = await section(() => measure(bundle, io, settings));
  }
  return report;
}

async function section(measure: () => Promise<unknown>): Promise<Section> {
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  try {
    const found = await measure();
    return { seconds: seconds(), found };
  } catch (error) {
    return { seconds: seconds(), error: errorBody(error) };
  }
}
