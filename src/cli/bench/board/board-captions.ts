import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openBundleCaptioner } from '../../../inference/captioner';
import type { Caption } from '../../../inference/inference';
import type { Bundle } from '../../../model/bundle/read-bundle';
import { defaultPrompt } from '../../../protocol/default-prompt';
import { defined } from '../../../system/defined';
import type { Settings } from '../../../system/settings';
import type { CommandIo } from '../../command/command';
import { benchmarkFrame } from '../caption-benchmark';

/** Captions the shipped frames with vision on the NPU and on the CPU: whether the texts agree, and the times. */
export async function boardCaptions(bundle: Bundle, io: CommandIo, settings: Settings): Promise<unknown> {
  const frames = (await readdir(dirname(benchmarkFrame))).filter((name) => name.endsWith('.jpg')).sort();
  const npu = await describeAll(bundle, 'npu', frames, io, settings);
  const cpu = bundle.manifest.cpuStages ? await describeAll(bundle, 'cpu', frames, io, settings) : undefined;
  return {
    backends: { npu: npu[0]?.backend, cpu: cpu?.[0]?.backend },
    same: cpu && npu.filter(({ text }, index) => text === cpu[index]?.text).length,
    of: frames.length,
    frames: frames.map((frame, index) => ({
      frame,
      npu: brief(npu[index]),
      ...defined({ cpu: cpu && brief(cpu[index]) }),
    })),
  };
}

async function describeAll(
  bundle: Bundle,
  backend: 'npu' | 'cpu',
  frames: readonly string[],
  { signal }: CommandIo,
  settings: Settings,
): Promise<readonly Caption[]> {
  const captioner = await openBundleCaptioner(bundle.dir, bundle, {
    backend,
    decoder: 'cpu',
    signal,
    settings,
  });
  const hooks = { signal, onProgress: () => undefined, onToken: () => undefined };
  const captions: Caption[] = [];
  try {
    for (const frame of frames) {
      const picture = await readFile(join(dirname(benchmarkFrame), frame));
      captions.push(await captioner.describe([picture], { id: frame, prompt: defaultPrompt }, hooks));
    }
  } finally {
    await captioner.close();
  }
  return captions;
}

function brief(caption: Caption | undefined) {
  if (!caption) return undefined;
  const { text, timingsMs, vision } = caption;
  return { text, timings_ms: timingsMs, core_busy: vision?.coreBusy };
}
