import type { DescribeInput } from '../client/engine';
import type { Detail, QueuePolicy } from '../protocol/describe-request';
import { positiveNumber } from './engine-settings';
import { timeOf } from './message-time';

/** The dialog of `smolvlm-caption`, as Node-RED hands it over. */
export interface CaptionDialog {
  /** Absent in flows from before there were presets: then it is `ask`, with the choices given. */
  readonly preset?: string;
  readonly image?: string;
  readonly imageType?: string;
  readonly prompt?: string;
  readonly promptType?: string;
  readonly camera?: string;
  readonly cameraType?: string;
  readonly language?: string;
  readonly choices?: string;
  /** Probability, 0 … 1. */
  readonly minConfidence?: string | number;
  /** JSON Schema, as text. */
  readonly schema?: string;
  readonly jsonBy?: string;
  readonly anchor?: string;
  readonly compare?: string;
  readonly detail?: string;
  readonly maxTokens?: string | number;
  /** Seconds. */
  readonly deadline?: string | number;
  readonly fallback?: string;
  readonly fallbackAlways?: boolean;
  readonly late?: boolean;
  readonly stream?: boolean;
  readonly queuePolicy?: string;
}

/** What a message may say where the dialog's field is blank. */
export interface CaptionOverrides {
  readonly prompt?: unknown;
  readonly camera?: unknown;
  readonly topic?: unknown;
  readonly language?: unknown;
  readonly maxTokens?: unknown;
  readonly choices?: unknown;
  /** Seconds. */
  readonly deadline?: unknown;
  readonly fallback?: unknown;
  readonly priority?: unknown;
  readonly capturedAt?: unknown;
  /** True: this frame is what later ones are compared with. */
  readonly anchor?: unknown;
  /** What a smolvlm-vision node has seen. */
  readonly features?: unknown;
}

/** Asked when neither dialog nor message has a prompt. */
export const defaultPrompt = 'Describe this image.';

/** The parts of a request that are the same whatever is asked. */
export function requestOptions(dialog: CaptionDialog, message: CaptionOverrides): Partial<DescribeInput> {
  const maxNewTokens = positiveNumber(dialog.maxTokens) ?? positiveNumber(asNumber(message.maxTokens));
  const policy = (['newest', 'oldest', 'reject'] as const).find((each) => each === dialog.queuePolicy);
  return {
    detail: (dialog.detail === 'full' ? 'full' : 'low') satisfies Detail,
    ...(maxNewTokens !== undefined && { maxNewTokens: Math.round(maxNewTokens) }),
    ...(policy && { queue: { policy: policy satisfies QueuePolicy } }),
    ...(typeof message.priority === 'number' && { priority: message.priority }),
    capturedAt: new Date(timeOf(message.capturedAt) ?? Date.now()).toISOString(),
  };
}

/** Time from the message's arrival to its answer. */
export function deadlineMs(dialog: CaptionDialog, message: CaptionOverrides): number | undefined {
  const seconds = positiveNumber(dialog.deadline) ?? positiveNumber(asNumber(message.deadline));
  return seconds === undefined ? undefined : Math.max(1, Math.round(seconds * 1000));
}

/** The dialog's text or, where that is blank, the message's. */
export function textOf(dialog: string | undefined, message: unknown): string {
  return dialog?.trim() || (typeof message === 'string' ? message.trim() : '');
}

function asNumber(value: unknown): string | number | undefined {
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

/** A list, or text with commas; blank counts as none. */
export function choiceList(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(',') : [];
  const choices = list.map((choice) => choice.trim()).filter((choice) => choice !== '');
  return choices.length === 0 ? undefined : choices;
}
