import { openModelDecoder } from '../../inference/model-decoder';
import { TokenStream } from '../../prompt/token-stream';
import { Tokenizer } from '../../prompt/tokenizer';
import { cpuPrecisions } from '../../protocol/models/conversion-choices';
import { ContextPool } from '../../text/context-pool';
import { embedPrompt } from '../../text/embed-prompt';
import { generate } from '../../text/generate';
import { prefill } from '../../text/prefill';
import { type Command, optionalChoice, optionalInteger, requiredString } from '../command/command';

/** `smolvlm inspect generate`: the decoder alone, on raw text. */
export const command: Command = {
  summary: 'Continue raw text greedily, without chat template and pictures',
  usage: 'inspect generate --model M --text RAW --max-new-tokens N [--precision float32|int8|int4]',
  options: {
    model: { type: 'string' },
    text: { type: 'string' },
    'max-new-tokens': { type: 'string' },
    precision: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const maxNewTokens = optionalInteger(values, 'max-new-tokens', 1) ?? 32;
    const precision = optionalChoice(values, 'precision', cpuPrecisions) ?? 'float32';
    const text = requiredString(values, 'text');
    const { signal } = io;
    const decoder = await openModelDecoder({ model: requiredString(values, 'model'), precision, signal });
    try {
      const tokenizer = await Tokenizer.open(decoder.dir);
      const prompt = await embedPrompt(tokenizer.encode(text), -1, [], decoder.embeddings);
      const pooled = new ContextPool(decoder.runner).take(prompt.keys);
      const logits = await prefill(pooled, prompt, { signal });
      const { tokenIds, text: continued } = await generate(pooled, logits, decoder.embeddings, {
        maxNewTokens,
        stopIds: decoder.stopIds,
        stream: new TokenStream(tokenizer),
        signal,
      });
      io.result({ ids: tokenIds, text: continued }, continued);
    } finally {
      await decoder.close();
    }
    return 0;
  },
};
