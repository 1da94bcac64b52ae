/**
 * The C interface of librkllmrt (rkllm.h, LP64). Releases differ in their structures and do not report their layout: see
 * `abiOf`. Structures are written and read by offset in plain buffers, so that reserved bytes are always zero.
 */

/** `1.2`: releases 1.2.1 to 1.2.3; `1.3`: 1.3.0 and later. */
export type RkllmAbi = '1.2' | '1.3';

/** Sizes and offsets in bytes; a test compiles a C program that prints the same. */
export interface RkllmLayout {
  readonly param: {
    readonly size: number;
    readonly modelPath: number;
    readonly maxContext: number;
    readonly maxNewTokens: number;
    readonly topK: number;
    readonly topP: number;
    readonly temperature: number;
    readonly repeatPenalty: number;
    readonly skipSpecialToken: number;
    readonly extend: number;
    /** In `param` up to 1.2; in the multimodal input from 1.3 on. */
    readonly image?: { readonly start: number; readonly end: number; readonly content: number };
  };
  /** From `param.extend`. */
  readonly extend: { readonly baseDomain: number; readonly embedFlash: number; readonly cpuCount: number };
  readonly input: {
    readonly size: number;
    readonly role: number;
    readonly type: number;
    readonly union: number;
  };
  readonly embed: { readonly rows: number; readonly count: number };
  readonly multimodal: {
    readonly prompt: number;
    readonly rows: number;
    readonly rowsPerImage: number;
    readonly images: number;
    readonly width: number;
    readonly height: number;
    readonly image?: { readonly start: number; readonly end: number; readonly content: number };
  };
  readonly infer: {
    readonly size: number;
    readonly mode: number;
    readonly keepHistory: number;
    /** Since 1.3; up to 1.2 `param` has the only one. */
    readonly maxNewTokens?: number;
  };
  readonly result: { readonly size: number; readonly text: number; readonly token: number };
}

const common = {
  extend: { baseDomain: 0, embedFlash: 4, cpuCount: 5 },
  embed: { rows: 0, count: 8 },
  result: { size: 72, text: 0, token: 8 },
} as const;

const paramStart = {
  modelPath: 0,
  maxContext: 8,
  maxNewTokens: 12,
  topK: 16,
  topP: 24,
  temperature: 28,
  repeatPenalty: 32,
  skipSpecialToken: 56,
} as const;

export const rkllmLayouts: Readonly<Record<RkllmAbi, RkllmLayout>> = {
  '1.2': {
    ...common,
    param: { ...paramStart, size: 208, extend: 88, image: { start: 64, end: 72, content: 80 } },
    input: { size: 64, role: 0, type: 12, union: 16 },
    multimodal: { prompt: 0, rows: 8, rowsPerImage: 16, images: 24, width: 32, height: 40 },
    infer: { size: 32, mode: 0, keepHistory: 24 },
  },
  '1.3': {
    ...common,
    param: { ...paramStart, size: 184, extend: 60 },
    input: { size: 160, role: 0, type: 12, union: 16 },
    multimodal: {
      ...{ prompt: 0, rows: 8, rowsPerImage: 16, images: 24, width: 56, height: 64 },
      image: { start: 32, end: 40, content: 48 },
    },
    infer: { size: 40, mode: 0, keepHistory: 32, maxNewTokens: 36 },
  },
};

/** `RKLLMCallback` of 1.3: the result callback first, everything else null. */
export const callbackStruct = { size: 48, result: 0 } as const;

/** More than any release's `RKLLMParam`: a misidentified library must not write past the end. */
export const paramRoom = 512;

export const inputType = { prompt: 0, token: 1, embed: 2, multimodal: 3 } as const;

/** `waiting`: a character is incomplete. */
export const runState = { normal: 0, waiting: 1, finish: 2, error: 3 } as const;

/** @returns undefined for a release with unknown structures */
export function abiOf(version: string | undefined): RkllmAbi | undefined {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  // A beta may have a layout between two others, as 1.2.1b1 does.
  if (major !== '1' || version?.includes('b')) return undefined;
  if (minor === '2' && Number(patch) >= 1) return '1.2';
  return minor === '3' ? '1.3' : undefined;
}

/** Whether the defaults are where a layout has them: a wrong layout would crash later, without a message. */
export function defaultsFit(param: Buffer, { param: at, extend }: RkllmLayout): boolean {
  const near = (offset: number, expected: number): boolean =>
    Math.abs(param.readFloatLE(offset) - expected) < 1e-3;
  const cpus = param.readInt8(at.extend + extend.cpuCount);
  return (
    near(at.topP, 0.9) && near(at.temperature, 0.8) && near(at.repeatPenalty, 1.1) && cpus >= 1 && cpus <= 8
  );
}

/** The only layout that matches where the defaults are. @param param filled by any release; every field read is within the shortest one */
export function abiOfDefaults(param: Buffer): RkllmAbi | undefined {
  const fitting = (Object.keys(rkllmLayouts) as RkllmAbi[]).filter((abi) =>
    defaultsFit(param, rkllmLayouts[abi]),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
