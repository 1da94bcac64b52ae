import { readFile } from 'node:fs/promises';
import { type ModelDecoder, openModelDecoder } from '../../inference/model-decoder';
import { readModelConfigs } from '../../model/checkpoint/checkpoint';
import { PromptBuilder } from '../../prompt/prompt-builder';
import { type CpuPrecision, cpuPrecisions } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import { ContextPool } from '../../text/context-pool';
import { predictText, type TextPrediction, topOneAgreement } from '../../text/perplexity';
import {
  type Command,
  optionalChoice,
  optionalInteger,
  requiredString,
  UsageError,
} from '../command/command';

/** `smolvlm inspect perplexity`: the effect of a decoder precision on its predictions of a text. */
export const command: Command = {
  summary: 'Measure how well the decoder predicts a text, prefilled in pieces like captions',
  usage: `inspect perplexity --model M --text-file F [--precision ${cpuPrecisions.join('|')}] [--against float32] [--threads N]`,
  options: {
    model: { type: 'string' },
    'text-file': { type: 'string' },
    precision: { type: 'string' },
    against: { type: 'string' },
    threads: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const model = requiredString(values, 'model');
    const precision = optionalChoice(values, 'precision', cpuPrecisions) ?? 'int8';
    const against = optionalChoice(values, 'against', cpuPrecisions);
    const threads = optionalInteger(values, 'threads', 1);
    const path = requiredString(values, 'text-file');
    const text = await readFile(path, 'utf8').catch((error: Error) => {
      throw new UsageError(`--text-file: ${error.message}`);
    });
    const predict = async (of: CpuPrecision): Promise<TextPrediction> => {
      const decoder = await openModelDecoder({
        model,
        precision: of,
        signal: io.signal,
        ...defined({ threads }),
      });
      try {
        const ids = await tokensOf(decoder, text);
        const pooled = new ContextPool(decoder.runner).take([]);
        return await predictText(pooled, ids, decoder.embeddings, io.signal);
      } finally {
        await decoder.close();
      }
    };
    const measured = await predict(precision);
    const reference = against && (await predict(against));
    const { tokens, perplexity } = measured;
    const agreement = reference && topOneAgreement(measured, reference);
    io.result(
      {
        precision,
        tokens,
        perplexity,
        ...defined({ against, against_perplexity: reference?.perplexity, top1_agreement: agreement }),
      },
      `${precision}: perplexity ${perplexity.toFixed(3)} over ${tokens} tokens${
        reference && agreement !== undefined
          ? `; ${against}: ${reference.perplexity.toFixed(3)}, the same most likely token at ${(100 * agreement).toFixed(1)} % of positions`
          : ''
      }`,
    );
    return 0;
  },
};

/** The text's tokens after the one that every prompt begins with, as a decoder expects it. */
async function tokensOf({ dir }: ModelDecoder, text: string): Promise<readonly number[]> {
  const { config } = await readModelConfigs(dir);
  const prompts = await PromptBuilder.open(dir, config);
  const [first = 0] = prompts.build([{ role: 'user', content: [{ type: 'text', text: 'x' }] }], []).inputIds;
  return [first, ...prompts.tokenizer.encode(text)];
}
