import { duplicateKey } from '../../system/json/json-duplicate-key';
import { isJsonObject, type JsonObject, parseJsonObject, shown } from '../../system/json/json-fields';
import { CheckpointError } from './checkpoint-error';
import { dtypeBytes, isDtype, type TensorDtype } from './tensor-dtype';

/** A tensor's place in a safetensors file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: TensorDtype;
  /** Outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  readonly elements: number;
  /** Position of the first byte in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes. */
  readonly tensors: readonly TensorEntry[];
}

/** The length field in front of the header. */
export const lengthFieldBytes = 8;

/** The format's limit of the header's size (safetensors crate, MAX_HEADER_SIZE). */
export const maxHeaderBytes = 100_000_000;

/**
 * Parses and checks a header: every tensor has a known number format, has as many bytes as its shape needs, and is
 * inside the file, and tensors neither overlap nor leave holes between them (the format forbids both).
 * @param text the header's JSON @param dataOffset first byte after it @param fileBytes the file's length
 * @param file name for errors
 * @throws CheckpointError naming the tensor
 */
export function parseSafetensorsHeader(
  text: string,
  dataOffset: number,
  fileBytes: number,
  file: string,
): SafetensorsHeader {
  const fault = (message: string): CheckpointError => headerError(file, message);
  const json = parseJsonObject(text, (message) => fault(`the header ${message}`));
  const twice = duplicateKey(text);
  if (twice !== undefined) throw fault(`the tensor ${twice} is listed twice`);
  const { __metadata__: metadata, ...entries } = json;
  const tensors = Object.entries(entries)
    .map(([name, entry]) => parseEntry(name, entry, dataOffset, file))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  checkLayout(tensors, dataOffset, fileBytes, file);
  return { metadata: parseMetadata(metadata, fault), tensors };
}

function parseEntry(name: string, entry: unknown, dataOffset: number, file: string): TensorEntry {
  if (!isJsonObject(entry)) throw headerError(file, `${name}: expected an object, received ${shown(entry)}`);
  const { dtype } = entry;
  if (!isDtype(dtype)) {
    throw new CheckpointError(
      'checkpoint-dtype',
      `${file}: ${name}: expected a number format such as BF16, F16 or F32, received ${shown(dtype)}`,
    );
  }
  const shape = sizes(entry, 'shape', name, file);
  const [begin, end, ...rest] = sizes(entry, 'data_offsets', name, file);
  if (begin === undefined || end === undefined || rest.length > 0 || end < begin) {
    throw headerError(
      file,
      `${name}: data_offsets: expected [begin, end], received ${shown(entry.data_offsets)}`,
    );
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  const byteLength = elements * dtypeBytes[dtype];
  if (byteLength !== end - begin) {
    throw headerError(
      file,
      `${name}: ${dtype} [${shape.join(', ')}] takes ${byteLength} bytes, but data_offsets give it ${end - begin}`,
    );
  }
  return { name, dtype, shape, elements, offset: dataOffset + begin, byteLength };
}

function sizes(entry: JsonObject, key: string, name: string, file: string): readonly number[] {
  const value = entry[key];
  if (Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0)) return value;
  throw headerError(file, `${name}: ${key}: expected whole numbers of 0 or more, received ${shown(value)}`);
}

function checkLayout(
  tensors: readonly TensorEntry[],
  dataOffset: number,
  fileBytes: number,
  file: string,
): void {
  let end = dataOffset;
  let previous: TensorEntry | undefined;
  for (const tensor of tensors) {
    if (tensor.offset < end) {
      throw headerError(
        file,
        `${tensor.name} overlaps ${previous?.name ?? 'the header'}`,
        'checkpoint-overlap',
      );
    }
    if (tensor.offset > end) {
      throw headerError(
        file,
        `the ${tensor.offset - end} bytes before ${tensor.name} are not part of a tensor`,
      );
    }
    end = tensor.offset + tensor.byteLength;
    previous = tensor;
    if (end > fileBytes) throw truncated(file, tensor, fileBytes);
  }
  if (end < fileBytes)
    throw headerError(file, `the ${fileBytes - end} bytes after the last tensor are not part of a tensor`);
}

function parseMetadata(value: unknown, fault: (message: string) => Error): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (isJsonObject(value) && Object.values(value).every((each) => typeof each === 'string')) {
    return value as Readonly<Record<string, string>>;
  }
  throw fault(`__metadata__: expected strings, received ${shown(value)}`);
}

/** The file ends before the tensor does. */
export function truncated(file: string, tensor: TensorEntry, fileBytes: number): CheckpointError {
  return headerError(
    file,
    `is cut short: ${tensor.name} ends at byte ${tensor.offset + tensor.byteLength}, the file at ${fileBytes}`,
    'checkpoint-truncated',
  );
}

export function headerError(file: string, message: string, code = 'checkpoint-header'): CheckpointError {
  return new CheckpointError(code, `${file}: ${message}`, {
    hint: 'The file is damaged or incomplete: fetch it again (smolvlm pull).',
  });
}
