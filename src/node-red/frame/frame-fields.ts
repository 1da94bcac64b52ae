import {
  cameraSources,
  frameLimits,
  intervalLimits,
  normaliseModes,
  sourceProtocols,
} from '../../frame/frame-limits';
import { fingerprintDigits } from '../../picture/camera/fingerprint';
import type { NumberField } from '../number-field';

// The dialog of smolvlm-frame, in the form that dialog and runtime share.

export const sourceChoices = ['message', ...cameraSources] as const;
export type SourceChoice = (typeof sourceChoices)[number];

/** Blank: pictures keep their brightness. */
export const normaliseChoices = ['', ...normaliseModes] as const;

export const frameFields = frameLimits satisfies Readonly<Record<string, NumberField>>;

/** Limits of the interval of a source; 0 for a snapshot: only when a message arrives. */
export function intervalField(source: SourceChoice): NumberField {
  return source === 'message' || source === 'snapshot' ? frameFields.interval : intervalLimits(source);
}

/** How the address of a source begins; undefined for a source without one. */
export function protocolsOf(source: SourceChoice): readonly string[] | undefined {
  return source === 'message' || source === 'folder' ? undefined : sourceProtocols[source];
}

export function isFingerprint(text: string): boolean {
  return fingerprintDigits(text) !== undefined;
}
