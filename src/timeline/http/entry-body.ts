import { defined } from '../../system/defined';
import type { TimelineAnswer, TimelineEntry } from '../timeline-entry';
import type { EntryBody } from './timeline-api';

export function entryBody({ id, timeMs, answers = {}, ...entry }: TimelineEntry): EntryBody {
  const { camera, text, changed, hasPicture, hasThumbnail, prompt, model, seconds, width, height } = entry;
  return {
    id: String(id),
    at: new Date(timeMs).toISOString(),
    camera,
    text,
    ...defined({ prompt, model, seconds }),
    answers: Object.entries(answers).map(([question, answer]) => ({ question, answer })),
    changed,
    hasThumbnail,
    hasPicture,
    ...defined({ width, height }),
  };
}

/** An answer in a file that has only text. */
export function answerText(answer: TimelineAnswer): string {
  if (answer === null) return 'not sure';
  if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
  return typeof answer === 'object' ? JSON.stringify(answer) : String(answer);
}
