import { SmolvlmError } from '../../errors';
import { type CharacterRange, characterClass, everyCharacter, without } from './character-ranges';

/** A regular language over characters (code points), as a tree. */
export type StringPattern =
  | { readonly kind: 'set'; readonly ranges: readonly CharacterRange[] }
  | { readonly kind: 'sequence'; readonly parts: readonly StringPattern[] }
  | { readonly kind: 'either'; readonly options: readonly StringPattern[] }
  /** `max` absent: any number. */
  | { readonly kind: 'repeat'; readonly part: StringPattern; readonly min: number; readonly max?: number };

const anything: StringPattern = { kind: 'repeat', part: { kind: 'set', ranges: everyCharacter }, min: 0 };

const mostRepeats = 1000;

/**
 * Parses the supported part of ECMAScript's regular expressions: characters, `.`, classes, `\d \w \s` and their opposites,
 * groups, alternatives, quantifiers, and `^` and `$` at the ends. As in JSON Schema, a pattern without them may match
 * anywhere in the string.
 * @throws SmolvlmError `request-json-schema` for anything else, e.g. look-ahead, `\b`, back references
 */
export function parseStringPattern(source: string): StringPattern {
  try {
    new RegExp(source, 'u');
  } catch (cause) {
    throw unsupported(source, 'a valid regular expression', cause);
  }
  return new PatternParser(source).parse();
}

class PatternParser {
  readonly #characters: readonly string[];
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#characters = [...source];
  }

  parse(): StringPattern {
    const options = [this.#wholeAlternative()];
    while (this.#take('|')) options.push(this.#wholeAlternative());
    if (this.#at < this.#characters.length) throw this.#unsupported();
    return either(options);
  }

  /** An alternative of the whole pattern: only these may have anchors. */
  #wholeAlternative(): StringPattern {
    const parts: StringPattern[] = this.#take('^') ? [] : [anything];
    parts.push(...this.#parts());
    if (!this.#take('$')) parts.push(anything);
    else if (this.#peek() !== undefined && this.#peek() !== '|') throw this.#unsupported();
    return { kind: 'sequence', parts };
  }

  #parts(): StringPattern[] {
    const parts: StringPattern[] = [];
    for (let next = this.#peek(); next !== undefined && !'|)$'.includes(next); next = this.#peek())
      parts.push(this.#quantified(this.#atom()));
    return parts;
  }

  #atom(): StringPattern {
    const character = this.#next();
    if (character === '(') return this.#group();
    if (character === '[') return { kind: 'set', ranges: this.#class() };
    if (character === '\\') return { kind: 'set', ranges: this.#escape() };
    if (character === '.')
      return {
        kind: 'set',
        ranges: without(everyCharacter, [
          [0x0a, 0x0a],
          [0x0d, 0x0d],
          [0x2028, 0x2029],
        ]),
      };
    if ('^*+?{}]'.includes(character)) throw this.#unsupported();
    return { kind: 'set', ranges: [one(character)] };
  }

  #group(): StringPattern {
    if (this.#take('?')) {
      const kind = this.#next();
      if (kind === '<' && /[A-Za-z_$]/.test(this.#peek() ?? '')) while (this.#next() !== '>');
      else if (kind !== ':') throw this.#unsupported();
    }
    this.#depth += 1;
    if (this.#depth > 32) throw this.#unsupported();
    const options: StringPattern[] = [];
    do options.push({ kind: 'sequence', parts: this.#parts() });
    while (this.#take('|'));
    if (!this.#take(')')) throw this.#unsupported();
    this.#depth -= 1;
    return either(options);
  }

  #quantified(part: StringPattern): StringPattern {
    const bounds = this.#quantifier();
    if (!bounds) return part;
    // A lazy quantifier matches the same strings.
    this.#take('?');
    const [min, max] = bounds;
    if (min > mostRepeats || (max ?? 0) > mostRepeats) throw this.#unsupported();
    return { kind: 'repeat', part, min, ...(max === undefined ? {} : { max }) };
  }

  #quantifier(): readonly [min: number, max?: number] | undefined {
    if (this.#take('*')) return [0];
    if (this.#take('+')) return [1];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return undefined;
    let text = '';
    for (let next = this.#next(); next !== '}'; next = this.#next()) text += next;
    const [min = '', max] = text.split(',');
    if (max === undefined) return [Number(min), Number(min)];
    return max === '' ? [Number(min)] : [Number(min), Number(max)];
  }

  #class(): CharacterRange[] {
    const negated = this.#take('^');
    const ranges: CharacterRange[] = [];
    while (!this.#take(']')) {
      const from = this.#classMember();
      const isRange = this.#peek() === '-' && this.#characters[this.#at + 1] !== ']' && from.length === 1;
      if (isRange && this.#take('-')) {
        const to = this.#classMember();
        ranges.push([from[0]?.[0] ?? 0, to[0]?.[0] ?? 0]);
      } else ranges.push(...from);
    }
    return negated ? without(everyCharacter, ranges) : ranges;
  }

  #classMember(): readonly CharacterRange[] {
    const character = this.#next();
    return character === '\\' ? this.#escape() : [one(character)];
  }

  #escape(): readonly CharacterRange[] {
    const letter = this.#next();
    const known = characterClass(letter);
    if (known) return known;
    const control = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 }[letter];
    if (control !== undefined) return [[control, control]];
    if (letter === 'x' || letter === 'u') return [this.#codePoint(letter === 'x' ? 2 : 4)];
    if (/[A-Za-z0-9]/.test(letter)) throw this.#unsupported();
    return [one(letter)];
  }

  #codePoint(digits: number): CharacterRange {
    let hex = '';
    if (this.#take('{')) for (let next = this.#next(); next !== '}'; next = this.#next()) hex += next;
    else while (hex.length < digits) hex += this.#next();
    const code = Number.parseInt(hex, 16);
    if (code >= 0xd800 && code <= 0xdfff) throw this.#unsupported();
    return [code, code];
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at];
    if (character === undefined) throw this.#unsupported();
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #unsupported(): SmolvlmError {
    return unsupported(
      this.#source,
      'a pattern of characters, classes, groups, alternatives and quantifiers, ^ and $ at its ends',
    );
  }
}

function either(options: readonly StringPattern[]): StringPattern {
  const [only] = options;
  return options.length === 1 && only ? only : { kind: 'either', options };
}

function one(character: string): CharacterRange {
  const code = character.codePointAt(0) ?? 0;
  return [code, code];
}

function unsupported(source: string, expected: string, cause?: unknown): SmolvlmError {
  const received = JSON.stringify(source.slice(0, 80));
  return new SmolvlmError('request-json-schema', `expected ${expected}, received ${received}`, { cause });
}
