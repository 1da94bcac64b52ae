import {
  type BundleTarget,
  cpuStagePrecisions,
  npuPrecisions,
} from '../../protocol/models/conversion-choices';
// The dialog of smolvlm-convert, in the form that dialog and runtime share.

export const conversionModes = ['convert', 'validate', 'install'] as const;
export type ConversionMode = (typeof conversionModes)[number];

/** What each target can be built in. */
export const precisionChoices = {
  rk3588: npuPrecisions,
  rk3576: npuPrecisions,
  cpu: cpuStagePrecisions,
} as const satisfies Readonly<Record<BundleTarget, readonly string[]>>;

/** Layers whose weights are INT8, e.g. `2,3,4`; blank is none. */
export function areLayers(text: string): boolean {
  return /^\s*(\d+(\s*,\s*\d+)*)?\s*$/.test(text);
}
