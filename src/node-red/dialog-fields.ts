import type { DescribeInput } from '../client/engine-api';
import type { Detail, QueuePolicy } from '../protocol/describe-request';
import { defined } from '../system/defined';
import { timeOf } from './message-time';

/** Dialog fields that set request options. */
export interface RequestFields {
  readonly detail?: string;
  readonly maxTokens?: string | number;
  /** Seconds. */
  readonly deadline?: string | number;
  readonly queuePolicy?: string;
}

/** Properties of a message that replace a blank field of the dialog. */
export interface RequestOverrides {
  readonly maxTokens?: unknown;
  /** Seconds. */
  readonly deadline?: unknown;
  readonly priority?: unknown;
  readonly capturedAt?: unknown;
}

/** The request options that do not depend on the preset. */
export function requestOptions(dialog: RequestFields, message: RequestOverrides): Partial<DescribeInput> {
  const maxNewTokens = positiveNumber(dialog.maxTokens) ?? positiveNumber(asNumber(message.maxTokens));
  const policy = (['newest', 'oldest', 'reject'] as const).find((each) => each === dialog.queuePolicy);
  return {
    detail: (dialog.detail === 'full' ? 'full' : 'low') satisfies Detail,
    ...defined({
      maxNewTokens: maxNewTokens === undefined ? undefined : Math.round(maxNewTokens),
      queue: policy && { policy: policy satisfies QueuePolicy },
      priority: typeof message.priority === 'number' ? message.priority : undefined,
    }),
    capturedAt: new Date(timeOf(message.capturedAt) ?? Date.now()).toISOString(),
  };
}

/** Time from the message's arrival to its answer. */
export function deadlineMs(dialog: RequestFields, message: RequestOverrides): number | undefined {
  const seconds = positiveNumber(dialog.deadline) ?? positiveNumber(asNumber(message.deadline));
  return seconds === undefined ? undefined : Math.max(1, Math.round(seconds * 1000));
}

/** The dialog's text or, if that is blank, the message's. */
export function textOf(dialog: string | undefined, message: unknown): string {
  return dialog?.trim() || (typeof message === 'string' ? message.trim() : '');
}

function asNumber(value: unknown): string | number | undefined {
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

/** The value if it is one of those allowed. */
export function oneOf<const T extends string>(
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  return allowed.find((each) => each === value);
}

/** @returns undefined for an empty field and for anything that is not a number above 0 */
export function positiveNumber(value: string | number | undefined): number | undefined {
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) && number > 0 ? number : undefined;
}
