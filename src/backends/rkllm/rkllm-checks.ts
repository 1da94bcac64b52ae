import { SmolvlmError } from '../../errors';

/** Pictures for the vendor's own prompt. */
export interface MultimodalPrompt {
  /** With one `<image>` for each picture. */
  readonly prompt: string;
  /** [images × rowsPerImage, width] float32 */
  readonly rows: Float32Array;
  readonly rowsPerImage: number;
  readonly images: number;
  /** Pixels each side of the pictures given to the vision tower. */
  readonly imageSize: number;
}

/** With older drivers the runtime loads models and prints garbage (rknn-llm#449, #290). */
const leastDriver = [0, 9, 8];

/** @param driver of the kernel, `x.y.z`; undefined is accepted @throws SmolvlmError `npu-driver-old` */
export function checkDriver(driver: string | undefined): void {
  if (driver === undefined) return;
  const parts = driver.split('.').map(Number);
  for (const [index, least] of leastDriver.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least) {
      throw new SmolvlmError(
        'npu-driver-old',
        `the NPU's driver is ${driver}, RKLLM needs ${leastDriver.join('.')}`,
        { hint: 'Update the board’s kernel image, or choose the decoder "cpu".' },
      );
    }
  }
}

/**
 * The library accepts any count and reads past the end, or answers without input.
 * @param context tokens @returns rows @throws SmolvlmError `decoder-rows`, `decoder-context`
 */
export function checkRows(rows: Float32Array, width: number, context: number): number {
  const count = rows.length / width;
  if (!Number.isInteger(count) || count === 0) {
    throw new SmolvlmError(
      'decoder-rows',
      `expected one or more rows of ${width} values, received ${rows.length} values`,
    );
  }
  if (count >= context) {
    throw new SmolvlmError(
      'decoder-context',
      `a prompt of ${count} tokens leaves no room for an answer in the context of ${context}`,
      { hint: 'Shorten the prompt, lower the detail, or give fewer pictures.' },
    );
  }
  return count;
}

/** If the counts do not match, the library logs a line, returns 0 and answers without the picture (rknn-llm#321). */
export function checkPictures({ prompt, rows, rowsPerImage, images }: MultimodalPrompt): void {
  const marks = prompt.split('<image>').length - 1;
  if (marks !== images || images === 0) {
    throw new SmolvlmError('decoder-rows', `the prompt has ${marks} <image> marks for ${images} pictures`);
  }
  const width = rows.length / (images * rowsPerImage);
  if (!Number.isInteger(width) || width === 0) {
    throw new SmolvlmError(
      'decoder-rows',
      `expected ${images} × ${rowsPerImage} rows, received ${rows.length} values`,
    );
  }
}
