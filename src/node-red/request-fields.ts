import { limits } from '../protocol/limits';
import type { NumberField } from './number-field';

// Fields that several nodes have, in the form that dialog and runtime share.

/** `msg.priority`, which has no field of a dialog. */
export const priorityField = {
  least: -limits.priority,
  most: limits.priority,
  isWhole: true,
} as const satisfies NumberField;

export const requestFields = {
  /** Tokens of the answer. */
  maxTokens: { least: 1, most: limits.maxNewTokens, isWhole: true },
  /** Seconds; 0 is none. */
  deadline: { least: 0, most: limits.deadlineMs / 1000 },
} as const satisfies Readonly<Record<string, NumberField>>;
