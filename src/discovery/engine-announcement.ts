import type { EngineAnnouncement } from '../protocol/found-engine';
import { defined } from '../system/defined';

/** A TXT entry has room for 255 bytes, its key included. */
const longestValue = 200;

/** The TXT record of an announcement. */
export function announcementTxt({ version, protocol, model, tls, fingerprint }: EngineAnnouncement): {
  readonly [key: string]: string;
} {
  return {
    version,
    protocol: String(protocol),
    tls: tls ? '1' : '0',
    ...defined({ model: model === undefined ? undefined : shortened(model), sha256: fingerprint }),
  };
}

/** Reads a TXT record, which any machine on the network can have sent. @returns undefined for one that is not an engine's */
export function parseAnnouncement(txt: unknown): EngineAnnouncement | undefined {
  const entries = typeof txt === 'object' && txt !== null ? (txt as Record<string, unknown>) : {};
  const text = (key: string, pattern: RegExp): string | undefined => {
    const value = entries[key];
    return typeof value === 'string' && value.length <= longestValue && pattern.test(value)
      ? value
      : undefined;
  };
  const version = text('version', /^[\w.+-]+$/);
  const protocol = text('protocol', /^\d{1,6}$/);
  const tls = text('tls', /^[01]$/);
  const fingerprint = text('sha256', /^[0-9A-F]{64}$/);
  if (version === undefined || protocol === undefined || tls === undefined) return undefined;
  return {
    version,
    protocol: Number(protocol),
    tls: tls === '1',
    ...defined({
      model: text('model', /^[^\p{Cc}]+$/u),
      fingerprint: tls === '1' ? fingerprint : undefined,
    }),
  };
}

/** At most `longestValue` bytes of UTF-8, without a broken character at the end. */
function shortened(text: string): string {
  return Buffer.from(text).subarray(0, longestValue).toString('utf8').replace(/�+$/, '');
}
