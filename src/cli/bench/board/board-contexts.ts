import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coreMask } from '../../../backends/rknn/rknn-abi';
import { RknnContext } from '../../../backends/rknn/rknn-context';
import { RknnLibrary } from '../../../backends/rknn/rknn-library';
import type { Bundle } from '../../../model/bundle/read-bundle';
import { SharedNpuLock } from '../../../platform/npu/shared-npu-lock';
import { SystemFiles } from '../../../platform/recording/system-files';
import { usableCores } from '../../../platform/soc';
import { ResourceStack } from '../../../system/async/resource-stack';
import type { Settings } from '../../../system/settings';
import type { CommandIo } from '../../command/command';

/** A context's data about the first stage, and the effect of opening all contexts on the process. */
export async function boardContexts(
  { dir, manifest }: Bundle,
  _io: CommandIo,
  { npu }: Settings,
): Promise<unknown> {
  const library = await RknnLibrary.load(npu.library);
  const hold = await SharedNpuLock.take({ whenBusy: 'fail', lockPath: npu.lockPath });
  const opened = new ResourceStack();
  opened.own(() => hold.release());
  try {
    const before = processFacts();
    let first: unknown;
    let npuBytes = 0;
    const cores = usableCores(new SystemFiles(), npu.cores);
    for (const { name, file, core: planned } of manifest.stages) {
      const path = join(dir, file.path);
      const core = planned === undefined ? undefined : cores[planned % cores.length];
      const context = await RknnContext.open(library, { name, path, coreMask: coreMask(core) });
      opened.own(() => context.close());
      npuBytes += (await context.memory()).total;
      first ??= await describeContext(context);
    }
    return {
      library: { path: library.path, version: library.version },
      first_stage: first,
      contexts: manifest.stages.length,
      npu_bytes: npuBytes,
      process: { before, after: processFacts() },
      core_masks: await coreMasks(library, dir, manifest.stages[0]),
    };
  } finally {
    await opened.close();
  }
}

async function describeContext(context: RknnContext): Promise<unknown> {
  const { input, output } = context;
  return {
    versions: await context.versions(),
    memory: await context.memory(),
    input,
    output,
    native_input: (await context.nativeAttr('input')).attr,
    native_output: (await context.nativeAttr('output')).attr,
  };
}

/** The cores that a context can run on. */
async function coreMasks(
  library: RknnLibrary,
  dir: string,
  stage: Bundle['manifest']['stages'][number] | undefined,
): Promise<Record<number, string>> {
  const answers: Record<number, string> = {};
  if (!stage) return answers;
  for (const mask of [0, 1, 2, 4, 7]) {
    try {
      const path = join(dir, stage.file.path);
      const context = await RknnContext.open(library, { name: `mask ${mask}`, path, coreMask: mask });
      await context.close();
      answers[mask] = 'accepted';
    } catch (error) {
      answers[mask] = String(error);
    }
  }
  return answers;
}

/** Nice values of all threads, open files, and resident memory. */
function processFacts() {
  const nice = new Set<number>();
  for (const thread of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    // proc(5): nice is field 19; the fields after the command's name start with the third.
    nice.add(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
  }
  return {
    nice: [...nice].sort((a, b) => a - b),
    open_files: readdirSync('/proc/self/fd').length,
    rss_bytes: process.memoryUsage.rss(),
  };
}
