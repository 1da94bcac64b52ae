import type { DescribeInput } from '../client/engine';
import type { Detail, QueuePolicy } from '../protocol/describe-request';
import { positiveNumber } from './engine-settings';

/** The dialog of `smolvlm-caption`, as Node-RED hands it over. */
export interface CaptionDialog {
  readonly image?: string;
  readonly imageType?: string;
  readonly prompt?: string;
  readonly promptType?: string;
  readonly camera?: string;
  readonly cameraType?: string;
  readonly detail?: string;
  readonly maxTokens?: string | number;
  readonly choices?: string;
  readonly deadline?: string | number;
  readonly queuePolicy?: string;
}

/** What a message may say where the dialog's field is blank. */
export interface CaptionOverrides {
  readonly prompt?: unknown;
  readonly camera?: unknown;
  readonly topic?: unknown;
  readonly maxTokens?: unknown;
  readonly choices?: unknown;
  /** Seconds. */
  readonly deadline?: unknown;
  readonly priority?: unknown;
  readonly capturedAt?: unknown;
}

/** Asked when neither dialog nor message has a prompt. */
export const defaultPrompt = 'Describe this image.';

/** The parts of a request that need no evaluation of typed inputs. */
export function requestOptions(dialog: CaptionDialog, message: CaptionOverrides): Partial<DescribeInput> {
  const maxNewTokens = positiveNumber(dialog.maxTokens) ?? positiveNumber(asNumber(message.maxTokens));
  const deadlineSeconds = positiveNumber(dialog.deadline) ?? positiveNumber(asNumber(message.deadline));
  const choices = choiceList(dialog.choices) ?? choiceList(message.choices);
  const policy = (['newest', 'oldest', 'reject'] as const).find((each) => each === dialog.queuePolicy);
  return {
    detail: (dialog.detail === 'full' ? 'full' : 'low') satisfies Detail,
    ...(maxNewTokens !== undefined && { maxNewTokens: Math.round(maxNewTokens) }),
    ...(deadlineSeconds !== undefined && { deadlineMs: Math.round(deadlineSeconds * 1000) }),
    ...(choices && { choices }),
    ...(policy && { queue: { policy: policy satisfies QueuePolicy } }),
    ...(typeof message.priority === 'number' && { priority: message.priority }),
    capturedAt: capturedAt(message.capturedAt),
  };
}

function asNumber(value: unknown): string | number | undefined {
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

/** A list, or text with commas; blank counts as none. */
function choiceList(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(',') : [];
  const choices = list.map((choice) => choice.trim()).filter((choice) => choice !== '');
  return choices.length === 0 ? undefined : choices;
}

/** The camera's own time where the message brings one, else now. */
function capturedAt(value: unknown): string {
  const given =
    typeof value === 'string' || typeof value === 'number' || value instanceof Date
      ? new Date(value)
      : undefined;
  return (given && !Number.isNaN(given.getTime()) ? given : new Date()).toISOString();
}
