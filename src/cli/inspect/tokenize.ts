import { Tokenizer } from '../../prompt/tokenizer';
import { type Command, UsageError } from '../command/command';
import { modelFolder } from './model-folder';

/** `smolvlm inspect tokenize`: text to ids and back. */
export const command: Command = {
  summary: "Show a text's token ids and their decoded text",
  usage: 'inspect tokenize --model M --text T',
  options: { model: { type: 'string' }, text: { type: 'string' } },
  async run(values, _positionals, io) {
    if (typeof values.text !== 'string') throw new UsageError('--text is missing');
    const tokenizer = await Tokenizer.open(await modelFolder(values));
    const ids = tokenizer.encode(values.text);
    const decoded = tokenizer.decode(ids);
    io.result({ ids, decoded }, `${ids.join(' ')}\n${decoded}`);
    return 0;
  },
};
