import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorBody } from '../errors';
import { PromptError } from './prompt-error';

interface AddedToken {
  readonly id: number;
  readonly content: string;
}

interface TokenizerJson {
  readonly added_tokens?: readonly AddedToken[];
  readonly pre_tokenizer?: unknown;
  readonly decoder?: unknown;
}

type Library = Awaited<ReturnType<typeof loadLibrary>>;
type LibraryTokenizer = InstanceType<Library['Tokenizer']>;

/** A piece of a prompt: text that may contain control tokens, or text in which nothing is one. */
export interface PromptPiece {
  readonly text: string;
  /** A user's text: `<image>` in it is seven characters, never the image token. */
  readonly plain: boolean;
}

/** The checkpoint's `tokenizer.json`, run by `@huggingface/tokenizers`, with corrections for that library's gaps. */
export class Tokenizer {
  readonly #library: LibraryTokenizer;
  readonly #addedTokens: ReadonlyMap<string, number>;
  readonly #addedPattern: RegExp;
  readonly #byteLevel: boolean;

  private constructor(json: TokenizerJson, config: object, library: Library) {
    const added = json.added_tokens ?? [];
    this.#library = new library.Tokenizer(
      { ...json, pre_tokenizer: withUnicodeDigits(json.pre_tokenizer) },
      config,
    );
    this.#addedTokens = new Map(added.map(({ content, id }) => [content, id]));
    this.#addedPattern = anyOf([...this.#addedTokens.keys()]);
    this.#byteLevel = isByteLevel(json.decoder);
  }

  /** @param dir folder with tokenizer.json and tokenizer_config.json @throws PromptError `prompt-tokenizer` */
  static async open(dir: string): Promise<Tokenizer> {
    try {
      const read = async (name: string) => JSON.parse(await readFile(join(dir, name), 'utf8'));
      return new Tokenizer(
        await read('tokenizer.json'),
        await read('tokenizer_config.json'),
        await loadLibrary(),
      );
    } catch (cause) {
      throw new PromptError(
        'prompt-tokenizer',
        `the tokenizer in ${dir} cannot be read: ${errorBody(cause).message}`,
        {
          hint: 'Pull the checkpoint again: smolvlm pull ORG/NAME',
          cause,
        },
      );
    }
  }

  /** Encodes raw text like the reference: control tokens in it are recognised. */
  encode(text: string): number[] {
    return text === '' ? [] : this.#library.encode(text, { add_special_tokens: false }).ids;
  }

  /**
   * Encodes a prompt in which only the template's own control tokens are recognised. Words are split as in the joined
   * text, across the borders of the pieces: `: ` before a question is not separated from it.
   */
  encodePieces(pieces: readonly PromptPiece[]): number[] {
    const ids: number[] = [];
    let text = '';
    const flush = (): void => {
      for (const id of this.#encodePlain(text)) ids.push(id);
      text = '';
    };
    for (const piece of pieces) {
      for (const part of piece.plain ? [piece.text] : piece.text.split(this.#addedPattern)) {
        const id = piece.plain ? undefined : this.#addedTokens.get(part);
        if (id === undefined) {
          text += part;
        } else {
          flush();
          ids.push(id);
        }
      }
    }
    flush();
    return ids;
  }

  /** The library's own steps without its search for control tokens. */
  #encodePlain(text: string): number[] {
    const { normalizer, pre_tokenizer, model } = this.#library;
    if (text === '' || !model) return [];
    const normalised = normalizer ? normalizer(text) : text;
    const words = pre_tokenizer ? pre_tokenizer(normalised) : [normalised];
    const tokens: string[] = model(words);
    return tokens.flatMap((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id ?? []);
  }

  /** @param skipSpecial leave control tokens out */
  decode(ids: readonly number[], skipSpecial = false): string {
    if (ids.length === 0) return '';
    return this.#library.decode([...ids], {
      skip_special_tokens: skipSpecial,
      clean_up_tokenization_spaces: false,
    });
  }

  /**
   * Each token's bytes by its id; undefined for control tokens.
   * @throws PromptError `prompt-tokenizer-bytes` when the vocabulary is not byte-level
   */
  pieces(): (Uint8Array | undefined)[] {
    const { model } = this.#library;
    if (!this.#byteLevel || !model) {
      throw new PromptError(
        'prompt-tokenizer-bytes',
        "answers as JSON need a byte-level tokenizer; this model's is another kind",
        { hint: 'Leave out the JSON schema, or use a SmolVLM checkpoint.' },
      );
    }
    const added = new Set(this.#addedTokens.values());
    const pieces: (Uint8Array | undefined)[] = [];
    for (const [token, id] of model.tokens_to_ids) {
      const bytes = added.has(id)
        ? []
        : Array.from(String(token), (character) => byteOfCharacter.get(character));
      pieces[id] =
        added.has(id) || bytes.includes(undefined) ? undefined : Uint8Array.from(bytes as number[]);
    }
    return Array.from(pieces);
  }

  /** @returns the control token's id, if the vocabulary has it */
  controlToken(content: string): number | undefined {
    return this.#addedTokens.get(content);
  }

  /** The text of a control token's id. */
  controlTokenText(id: number): string | undefined {
    for (const [content, addedId] of this.#addedTokens) if (addedId === id) return content;
    return undefined;
  }
}

/**
 * Byte-level BPE represents each byte by a printable character (GPT-2's `bytes_to_unicode`): printable Latin-1 by itself,
 * the others from U+0100 on, in order.
 */
const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const characters = new Map<string, number>();
  let moved = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    characters.set(String.fromCharCode(printable ? byte : moved++), byte);
  }
  return characters;
})();

function isByteLevel(decoder: unknown): boolean {
  if (typeof decoder !== 'object' || decoder === null) return false;
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return type === 'ByteLevel' || (Array.isArray(decoders) && decoders.some(isByteLevel));
}

/** Typed as an ES module, so it is loaded by `import()`. */
const loadLibrary = () => import('@huggingface/tokenizers');

/** Matches any of the strings, the longest first; captures, so that `split` keeps the match. */
function anyOf(strings: readonly string[]): RegExp {
  const escaped = [...strings]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return escaped.length === 0 ? /(?!)/ : new RegExp(`(${escaped.join('|')})`);
}

/**
 * The library's `Digits` splits by `\d`; the reference by any numeric character (Rust's `char::is_numeric`,
 * `\p{N}`), so "½" would differ. The library's `Split` with that pattern is equivalent.
 */
function withUnicodeDigits(preTokenizer: unknown): unknown {
  if (typeof preTokenizer !== 'object' || preTokenizer === null) return preTokenizer;
  const node = preTokenizer as { type?: unknown; pretokenizers?: unknown; individual_digits?: unknown };
  if (node.type === 'Sequence' && Array.isArray(node.pretokenizers)) {
    return { ...node, pretokenizers: node.pretokenizers.map(withUnicodeDigits) };
  }
  if (node.type !== 'Digits') return preTokenizer;
  const pattern = { Regex: node.individual_digits === true ? '\\p{N}' : '\\p{N}+' };
  return { type: 'Split', pattern, behavior: 'Isolated', invert: false };
}
