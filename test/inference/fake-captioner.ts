import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SmolvlmError } from '../../src/errors';
import type { Caption, FeaturesAnswer, InferenceHooks, OpenCaptioner } from '../../src/inference/inference';
import type { TokenLogprob } from '../../src/protocol/answer-options';
import { featuresGone } from '../../src/protocol/features';
import type { VisionTimings } from '../../src/protocol/frame-result';

/**
 * A captioner that does what the prompt says, `WORD [milliseconds]`: `slow` answers after a while
 * and can be cancelled, `until FILE` likewise once the file exists, `drip` pauses after each token, `hang` never
 * answers and cannot be cancelled, `aside` gives its place up for a while, `crash` ends the process as a native fault
 * does, `exit` and `throw` end the thread, `fail` throws, `unreadable` cannot read the second picture, `break` throws in the middle of its answer; anything else is
 * answered at once. A frame that is only to be encoded has its camera in place of the prompt; its handle
 * is its size in bytes, and good for as long as the model is loaded. Of `choices` it answers the first, all being equally
 * probable; a JSON schema is answered with the names of its properties.
 */
export const openCaptioner: OpenCaptioner = async ({ model, onProgress }) => {
  onProgress?.({ phase: 'loading', done: 1, total: 1 });
  if (model === 'missing') throw new SmolvlmError('checkpoint-missing', 'there is no checkpoint "missing"');
  const held = new Map<string, number>();
  const vision: VisionTimings = { stagesMs: { l0_attn: 12 }, coreBusy: [0, 0.5, 1] };
  return {
    backend: 'fake',
    get memoryBytes() {
      return 1000 + [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
    },
    framesInFlight: model.startsWith('wide') ? 4 : 1,
    npuSharedWith: ['process 640 (frigate.detector:rknn)'],
    close: async () => {},
    encode: async (
      pictures,
      { camera = '', thumbnailSide, detail = 'low' },
      hooks,
    ): Promise<FeaturesAnswer> => {
      await act(camera, hooks);
      const handles = pictures.map(({ byteLength }) => {
        held.set(`handle-${byteLength}`, byteLength);
        const expires = new Date(Date.now() + 60_000).toISOString();
        return { id: `handle-${byteLength}`, frameHash: '00', detail, expires };
      });
      return {
        handles,
        tiles: handles.length,
        timingsMs: { image: 1, vision: 1, total: 2 },
        vision,
        model,
        backend: 'fake',
        cached: false,
        frameHash: '00',
        ...(thumbnailSide && { thumbnail: Buffer.from(String(thumbnailSide)).toString('base64') }),
      };
    },
    describe: async (pictures, request, hooks): Promise<Caption> => {
      const prompt = request.prompt ?? request.messages?.flatMap(textOf).join(' ') ?? '';
      const [word, ms = '0'] = prompt.split(' ');
      await act(prompt, hooks);
      const sizes =
        request.features?.map((id) => held.get(id)) ?? pictures.map(({ byteLength }) => byteLength);
      if (sizes.includes(undefined)) throw new SmolvlmError(featuresGone, 'they are not held');
      const { choices, jsonSchema } = request;
      const [choice] = choices ?? [];
      const properties = jsonSchema && 'properties' in jsonSchema ? jsonSchema.properties : undefined;
      const json = jsonSchema && { asked: Object.keys(properties ?? {}) };
      const described = `${sizes.length} of ${sizes.join('+')} bytes: ${prompt}`;
      const text = json ? JSON.stringify(json) : (choice ?? described);
      const { topLogprobs } = request.answer ?? {};
      const logprobs: TokenLogprob[] = [];
      for (const token of text.split(/(?<= )/)) {
        const scored = { token, bytes: [...Buffer.from(token)], logprob: -0.5 };
        const piece = { ...scored, top: Array.from({ length: topLogprobs ?? 0 }, () => scored) };
        logprobs.push(piece);
        hooks.onToken(token, topLogprobs === undefined ? undefined : [piece]);
        if (word === 'break') throw new SmolvlmError('image-truncated', 'the JPEG ends early');
        if (word === 'drip') await delay(Number(ms));
      }
      return {
        text,
        tokenIds: [1, 2, 3],
        promptTokens: 70,
        tiles: 1,
        finishReason: 'stop',
        ...(topLogprobs !== undefined && { logprobs }),
        ...(json && { json }),
        ...(choices && {
          choices: choices.map((each) => ({
            text: each,
            probability: 1 / choices.length,
            logProbability: -1,
          })),
        }),
        ...(request.features ? {} : { vision }),
        fallback: { code: 'npu-busy', message: 'held by another' },
        timingsMs: { image: 1, vision: 1, prefill: 1, decode: 1, total: 4 },
        model,
        backend: 'fake',
        cached: request.features !== undefined,
        frameHash: '00',
        ...(request.thumbnailSide &&
          pictures.length > 0 && {
            thumbnail: Buffer.from(String(request.thumbnailSide)).toString('base64'),
          }),
        prompt,
      };
    },
  };
};

function textOf(message: { readonly content: readonly { readonly type: string; readonly text?: string }[] }) {
  return message.content.flatMap(({ text }) => text ?? []);
}

/** Does what the words say. */
async function act(words: string, hooks: InferenceHooks): Promise<void> {
  const [word, ms = '0'] = words.split(' ');
  hooks.onProgress({ phase: 'vision', done: 1, total: 24, stage: 'l0_attn' });
  if (word === 'crash') {
    await delay(Number(ms));
    process.kill(process.pid, 'SIGABRT');
    await delay(60_000);
  }
  if (word === 'aside') await hooks.aside?.(() => delay(Number(ms)));
  if (word === 'exit') process.exit(3);
  if (word === 'throw') {
    setImmediate(() => {
      throw new Error('not caught');
    });
    await delay(60_000);
  }
  if (word === 'hang') await new Promise(() => setInterval(() => {}, 1000));
  if (word === 'fail') throw new SmolvlmError('image-truncated', 'the JPEG ends early');
  if (word === 'unreadable') throw new SmolvlmError('image-truncated', 'the JPEG ends early', { picture: 1 });
  const until = Date.now() + Number(ms);
  while ((word === 'slow' && Date.now() < until) || (word === 'until' && !existsSync(ms))) {
    hooks.signal.throwIfAborted();
    await delay(5);
  }
}
