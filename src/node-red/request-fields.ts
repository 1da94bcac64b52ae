import { limits } from '../protocol/limits';
import type { NumberField } from './number-field';

// Fields that several nodes have, in the form that dialog and runtime share.

export const detailChoices = ['low', 'full'] as const;

/** `msg.priority`, which has no field of a dialog. */
export const priorityField = { least: -1000, most: 1000, isWhole: true } as const satisfies NumberField;

/** What happens to a frame when the camera's queue is full. */
export const policyChoices = ['newest', 'oldest', 'reject'] as const;

export const requestFields = {
  /** Tokens of the answer. */
  maxTokens: { least: 1, most: limits.maxNewTokens, isWhole: true },
  /** Seconds; 0 is none. */
  deadline: { least: 0, most: limits.deadlineMs / 1000 },
} as const satisfies Readonly<Record<string, NumberField>>;
