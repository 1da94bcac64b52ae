import { readFile } from 'node:fs/promises';
import { RkllmLibrary } from '../../../backends/rkllm/rkllm-library';
import { openBundleCaptioner } from '../../../inference/captioner';
import type { CaptionerOptions } from '../../../inference/inference';
import type { Bundle } from '../../../model/bundle/read-bundle';
import { defaultPrompt } from '../../../protocol/default-prompt';
import type { RkllmSettings, Settings } from '../../../system/settings';
import type { CommandIo } from '../../command/command';
import { benchmarkFrame } from '../caption-benchmark';

interface Way {
  readonly decoder: NonNullable<CaptionerOptions['decoder']>;
  readonly rkllm: Partial<RkllmSettings>;
}

/** The decoder on the CPU, on the NPU with our own prompt, with the vendor's prompt, and with its embeddings on disk. */
const ways: Readonly<Record<string, Way>> = {
  cpu: { decoder: 'cpu', rkllm: {} },
  embed: { decoder: 'npu', rkllm: { input: 'embed' } },
  multimodal: { decoder: 'npu', rkllm: { input: 'multimodal' } },
  embed_flash: { decoder: 'npu', rkllm: { embedFlash: true } },
};

/** One frame described each way. */
export async function boardRkllm(bundle: Bundle, io: CommandIo, settings: Settings): Promise<unknown> {
  if (!bundle.manifest.npuDecoder) return { absent: 'the bundle has no decoder for the NPU' };
  const { path, version, abi } = await RkllmLibrary.load(settings.rkllm.library, settings.rkllm.abi);
  const found: Record<string, unknown> = { library: { path, version, abi } };
  for (const [name, way] of Object.entries(ways)) found[name] = await describeOnce(bundle, way, io, settings);
  return found;
}

async function describeOnce(
  bundle: Bundle,
  { decoder, rkllm }: Way,
  { signal }: CommandIo,
  settings: Settings,
) {
  const captioner = await openBundleCaptioner(bundle.dir, bundle, {
    decoder,
    signal,
    settings: { ...settings, rkllm: { ...settings.rkllm, ...rkllm } },
  });
  try {
    const picture = await readFile(benchmarkFrame);
    const captionOnce = async () => {
      const started = performance.now();
      let firstTokenMs: number | undefined;
      const hooks = {
        signal,
        onProgress: () => undefined,
        onToken: () => {
          firstTokenMs ??= performance.now() - started;
        },
      };
      const caption = await captioner.describe([picture], { id: 'board', prompt: defaultPrompt }, hooks);
      return { caption, firstTokenMs };
    };
    await captionOnce();
    const { caption, firstTokenMs } = await captionOnce();
    return {
      text: caption.text,
      backend: caption.backend,
      tokens: caption.tokenIds.length,
      prompt_tokens: caption.promptTokens,
      first_token_ms: firstTokenMs,
      decode_ms: caption.timingsMs.decode,
      rss_bytes: process.memoryUsage.rss(),
    };
  } finally {
    await captioner.close();
  }
}
