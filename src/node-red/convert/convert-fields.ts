// The dialog of smolvlm-convert, in the form that dialog and runtime share.

export const conversionModes = ['convert', 'validate', 'install'] as const;
export type ConversionMode = (typeof conversionModes)[number];

export const targetChoices = ['rk3588', 'rk3576', 'cpu'] as const;
export type TargetChoice = (typeof targetChoices)[number];

/** Releases of rknn-toolkit2. */
export const toolkitChoices = ['2.3.2', '2.5.0'] as const;

const npuPrecisions = ['fp16', 'hybrid', 'auto'] as const;

/** What each target can be built in. */
export const precisionChoices = {
  rk3588: npuPrecisions,
  rk3576: npuPrecisions,
  cpu: ['int8', 'float32'],
} as const satisfies Readonly<Record<TargetChoice, readonly string[]>>;

/** Layers whose weights are INT8, e.g. `2,3,4`; blank is none. */
export function areLayers(text: string): boolean {
  return /^\s*(\d+(\s*,\s*\d+)*)?\s*$/.test(text);
}
