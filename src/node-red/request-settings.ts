import type { DescribeInput } from '../client/engine-api';
import type { Detail, QueuePolicy } from '../protocol/describe-request';
import { details, queuePolicies } from '../protocol/describe-request';
import { timeOf } from '../protocol/message-time';
import { defined } from '../system/defined';
import { fieldChoice } from './choice-field';
import { fieldNumber, type NumberField } from './number-field';
import { priorityField, requestFields } from './request-fields';

/** Fields of a dialog that set request options, as Node-RED keeps them. */
export interface RequestDialog {
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

/** What the dialog's request fields say, checked. */
export interface RequestSettings {
  readonly detail: Detail;
  readonly maxNewTokens?: number;
  readonly deadlineMs?: number;
  /** The engine's own when absent. */
  readonly policy?: QueuePolicy;
}

/** @throws SmolvlmError `node-property` naming the field that is out of its limits */
export function requestSettings(dialog: RequestDialog): RequestSettings {
  const seconds = fieldNumber(dialog.deadline, 'deadline', requestFields.deadline);
  return {
    detail: fieldChoice(dialog.detail, 'detail', details, 'low'),
    ...defined({
      maxNewTokens: fieldNumber(dialog.maxTokens, 'maxTokens', requestFields.maxTokens),
      deadlineMs: seconds ? milliseconds(seconds) : undefined,
      policy: fieldChoice(dialog.queuePolicy, 'queuePolicy', queuePolicies, undefined),
    }),
  };
}

/**
 * The request options that do not depend on the preset.
 * @throws SmolvlmError `node-property` naming the property of the message that is out of its limits
 */
export function requestOptions(
  { detail, maxNewTokens, policy }: RequestSettings,
  message: RequestOverrides,
): Partial<DescribeInput> {
  return {
    detail,
    ...defined({
      maxNewTokens: maxNewTokens ?? messageNumber(message.maxTokens, 'maxTokens', requestFields.maxTokens),
      queue: policy && { policy },
      priority: messageNumber(message.priority, 'priority', priorityField),
    }),
    capturedAt: new Date(timeOf(message.capturedAt) ?? Date.now()).toISOString(),
  };
}

/** Time from the message's arrival to its answer. @throws SmolvlmError `node-property` */
export function deadlineMs(
  { deadlineMs: limitMs }: RequestSettings,
  message: RequestOverrides,
): number | undefined {
  if (limitMs !== undefined) return limitMs;
  const seconds = messageNumber(message.deadline, 'deadline', requestFields.deadline);
  return seconds && milliseconds(seconds);
}

function milliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000));
}

/** @returns undefined if the message has none @throws SmolvlmError `node-property` naming the property */
function messageNumber(value: unknown, name: string, field: NumberField): number | undefined {
  return fieldNumber(value as string | number | undefined, `msg.${name}`, field);
}
