import { type EngineAddress, parseEngineAddress } from '../../client/engine-address';
import { SmolvlmError } from '../../errors';
import { isStreamName, type NatsAddress, parseNatsAddress } from '../../nats/nats-address';
import { limits, longestTimerMs } from '../../protocol/limits';
import { cpuPrecisions } from '../../protocol/models/conversion-choices';
import type { NumberField } from '../number-field';

// The dialog of smolvlm-engine, in the form that dialog and runtime share.

export const locationChoices = ['local', 'remote', 'group'] as const;
/** Blank: the model's own. */
export const cpuPrecisionChoices = ['', ...cpuPrecisions] as const;

export const engineFields = {
  threads: { least: 1, most: limits.threads, isWhole: true },
  /** Frames that wait, per camera. */
  queueCapacity: { least: 1, most: limits.queueCapacity, isWhole: true },
  /** Seconds a frame may wait; 0 is any time. */
  maxAge: { least: 0, most: limits.deadlineMs / 1000 },
  /** Seconds a local engine keeps running after its last user has gone. */
  idle: { least: 1, most: Math.floor(longestTimerMs / 1000), standard: 60 },
  /** Frames for the sidebar; each with its thumbnail is about 5 kB. */
  recentFrames: { least: 0, most: 200, isWhole: true, standard: 12 },
} as const satisfies Readonly<Record<string, NumberField>>;

/** The address of an engine on another machine. @throws SmolvlmError `engine-address` */
export function remoteAddress(url = '', token?: string): EngineAddress {
  const address = parseEngineAddress(url, token);
  if (address.kind === 'remote') return address;
  throw new SmolvlmError(
    'engine-address',
    'expected http(s)://host:port as the address of an engine on another machine, received none',
    { hint: 'Write for example http://hub.local:8372.' },
  );
}

/** The address of a group of hubs. @throws SmolvlmError `nats-address` */
export function groupAddress(url = '', secret?: string, stream = ''): NatsAddress {
  return parseNatsAddress(url, secret, stream.trim() || undefined);
}

/** Whether the field *Address* holds what the place needs. */
export function isAddressOf(location: string | undefined, url: string): boolean {
  try {
    if (location === 'remote') remoteAddress(url);
    if (location === 'group') groupAddress(url);
    return true;
  } catch {
    return false;
  }
}

/** Whether the field *Stream* can be used; blank is the usual stream. */
export function isStream(text = ''): boolean {
  return text.trim() === '' || isStreamName(text.trim());
}
