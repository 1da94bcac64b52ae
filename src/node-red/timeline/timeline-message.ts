import type { NodeMessage } from 'node-red';
import { SmolvlmError } from '../../errors';
import { timeOf } from '../../protocol/message-time';
import { defined } from '../../system/defined';
import type { NewTimelineEntry, TimelineAnswer } from '../../timeline/timeline-entry';

/** What a message may hold for the timeline. */
export type TimelineMessage = NodeMessage & {
  readonly caption?: unknown;
  readonly frame?: unknown;
  readonly capturedAt?: unknown;
};

/** Why a message is not kept. */
export interface NotKept {
  readonly skipped: 'dropped' | 'fallback' | 'held';
}

/**
 * The entry that a message of a caption, MQTT or other node describes.
 * @throws SmolvlmError `timeline-message` if it has no text
 */
export function messageEntry(
  message: TimelineMessage,
  camera: string,
  nowMs: number,
): NewTimelineEntry | NotKept {
  const caption = record(message.caption);
  const frame = record(message.frame);
  if (caption.dropped !== undefined) return { skipped: 'dropped' };
  if (caption.fallbackReason !== undefined) return { skipped: 'fallback' };
  if (frame.held !== undefined) return { skipped: 'held' };
  const { payload } = message;
  const text =
    typeof caption.text === 'string' ? caption.text : typeof payload === 'string' ? payload : undefined;
  if (text === undefined || text.trim() === '') {
    throw new SmolvlmError(
      'timeline-message',
      'expected msg.caption or text in msg.payload, received neither',
      {
        hint: 'Wire the caption node’s first output to the timeline, or set msg.topic to search.',
      },
    );
  }
  const prompt = typeof caption.prompt === 'string' ? caption.prompt : undefined;
  const timings = record(caption.timingsMs);
  return {
    camera:
      (typeof caption.camera === 'string' && caption.camera !== '' ? caption.camera : camera) || 'camera',
    timeMs: timeOf(caption.capturedAt) ?? timeOf(message.capturedAt) ?? timeOf(frame.capturedAt) ?? nowMs,
    text: text.trim().slice(0, longestText),
    ...defined({
      answers: answersOf(caption, payload, prompt),
      prompt,
      model: typeof caption.model === 'string' ? caption.model : undefined,
      // Compared with the anchor or the picture before, which is nearer to the truth than comparing words.
      changed: typeof caption.changed === 'boolean' ? caption.changed : undefined,
      seconds: typeof timings.total === 'number' ? timings.total / 1000 : undefined,
      width: positive(frame.width),
      height: positive(frame.height),
    }),
  };
}

/** Longer texts are cut. */
const longestText = 10_000;

/** Answers that are more than a text: those of a schema by field, others by their question. */
function answersOf(
  caption: Readonly<Record<string, unknown>>,
  payload: unknown,
  prompt: string | undefined,
): Readonly<Record<string, TimelineAnswer>> | undefined {
  const { json } = caption;
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, TimelineAnswer>>;
  }
  const isScored = Array.isArray(caption.choices);
  const isValue = typeof payload === 'boolean' || typeof payload === 'number' || payload === null;
  if (prompt === undefined || !(isValue || (isScored && typeof payload === 'string'))) return undefined;
  return { [prompt]: payload as TimelineAnswer };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}
