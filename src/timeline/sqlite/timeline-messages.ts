import type { ErrorBody } from '../../errors';
import type { TimelineEntry } from '../timeline-entry';
import type { TimelineStore } from '../timeline-store';
import type { RetentionSettings } from './retention';

/** What the thread is started with. */
export interface ThreadSetup {
  readonly folder: string;
  readonly retention: RetentionSettings;
}

/** Methods that the thread runs. */
export type ThreadMethod = Exclude<keyof TimelineStore, 'onAdded' | 'onTrouble' | 'close'>;

export type ToThread =
  | { readonly job: number; readonly method: ThreadMethod; readonly values: readonly unknown[] }
  | { readonly close: true };

export type FromThread =
  | { readonly ready: true }
  | { readonly failed: ErrorBody }
  | { readonly trouble: ErrorBody }
  | { readonly added: TimelineEntry }
  | { readonly job: number; readonly value: unknown }
  | { readonly job: number; readonly error: ErrorBody };
