import type { ErrorBody } from '../../errors';
import type { TimelineAnswer } from '../timeline-entry';

/** How clients of the API are authenticated: by Node-RED's editor, by basic authentication, by the engine's token. */
export type Authentication = 'none' | 'node-red' | 'basic' | 'token';

/** `GET session`: needs no authentication and contains nothing of a timeline. */
export interface SessionBody {
  readonly authentication: Authentication;
  readonly version: string;
}

/** One of `GET timelines`. */
export interface TimelineBody {
  readonly id: string;
  readonly name: string;
  /** Whether a stored picture can be asked another question. */
  readonly mayAsk: boolean;
}

/** A question about an entry's picture, or a field's name, with its answer. */
export interface AnswerBody {
  readonly question: string;
  readonly answer: TimelineAnswer;
}

/** An entry as the API writes it. */
export interface EntryBody {
  /** A text: JSON readers of other languages round large numbers. */
  readonly id: string;
  /** When the picture was taken, ISO 8601. */
  readonly at: string;
  readonly camera: string;
  readonly text: string;
  readonly prompt?: string;
  readonly answers: readonly AnswerBody[];
  readonly changed: boolean;
  readonly model?: string;
  /** How long the answer took. */
  readonly seconds?: number;
  readonly hasThumbnail: boolean;
  readonly hasPicture: boolean;
  /** Pixels of the picture. */
  readonly width?: number;
  readonly height?: number;
}

/** `GET timelines/ID/entries`, newest first. */
export interface EntriesBody {
  readonly entries: readonly EntryBody[];
  /** For `before`; absent after the last entry. */
  readonly next?: string;
}

/** One of `GET timelines/ID/cameras`. */
export interface CameraBody {
  readonly camera: string;
  readonly entries: number;
}

/** One of `GET timelines/ID/days`, newest first. */
export interface DayBody {
  /** `2026-11-27`, in the time zone of the machine that keeps the timeline. */
  readonly day: string;
  readonly entries: number;
}

/** A line of the answer to `POST timelines/ID/entries/ENTRY/ask`; the last is `answer` or `error`. */
export type AskLine =
  | { readonly type: 'progress'; readonly phase: string; readonly done: number; readonly total: number }
  | { readonly type: 'token'; readonly text: string }
  | { readonly type: 'answer'; readonly answer: AnswerBody; readonly entry: EntryBody }
  | { readonly type: 'error'; readonly error: ErrorBody };

export const exportFormats = ['json', 'csv', 'ics'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** State-changing requests carry it: a page of another site cannot send it without the server's consent. */
export const requestHeader = 'x-smolvlm-timeline';
