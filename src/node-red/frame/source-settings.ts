import { sourceProtocols } from '../../frame/frame-limits';
import type { CameraSource } from '../../frame/open-frame-source';
import { fillLogin } from '../../picture/camera/address-login';
import type { CertificateTrust, Credentials } from '../../picture/camera/camera-access';
import { fingerprintDigits } from '../../picture/camera/fingerprint';
import { defined } from '../../system/defined';
import { shownAddress } from '../../system/shown-address';
import { fieldChoice } from '../choice-field';
import { invalidField } from '../invalid-field';
import { fieldNumber } from '../number-field';
import type { FrameDialog } from './frame-dialog';
import { intervalField, sourceChoices } from './frame-fields';
import { frameNumber, times } from './frame-values';

/** The node's own source of pictures, or none. */
export type SourceSettings = { readonly kind: 'message' } | CameraSource;

/** The node's credentials, as Node-RED keeps them. */
export interface SourceLogin {
  readonly user?: string;
  readonly password?: string;
}

/** @throws SmolvlmError `node-property` */
export function sourceSettings(dialog: FrameDialog, login: SourceLogin = {}): SourceSettings {
  const source = fieldChoice(dialog.source, 'source', sourceChoices, 'message');
  const intervalMs = times(fieldNumber(dialog.interval, 'interval', intervalField(source)), 1000);
  if (source === 'message') return { kind: source };
  if (source === 'folder') {
    const folder = (dialog.folder ?? '').trim();
    if (folder === '') throw invalidField('folder', 'the path of a folder', 'nothing');
    return { kind: source, folder, intervalMs: intervalMs ?? 1000 };
  }
  const url = address(dialog.url, sourceProtocols[source], login);
  const timeoutMs = frameNumber(dialog, 'timeout') * 1000;
  const camera = { url, timeoutMs, ...defined({ credentials: credentials(login), trust: trust(dialog) }) };
  if (source === 'snapshot') {
    const retries = frameNumber(dialog, 'retries');
    return { kind: source, retries, ...camera, ...(intervalMs ? { intervalMs } : {}) };
  }
  return { kind: source, ...camera, intervalMs: intervalMs ?? 1000 };
}

function credentials({ user, password = '' }: SourceLogin): Credentials | undefined {
  return user ? { user, password } : undefined;
}

function trust({ anyCertificate, fingerprint = '' }: FrameDialog): CertificateTrust | undefined {
  if (fingerprint.trim() === '') return anyCertificate === true ? { any: true } : undefined;
  const digits = fingerprintDigits(fingerprint);
  if (digits !== undefined) return { fingerprint: digits };
  throw invalidField('fingerprint', 'the 64 hexadecimal digits of a SHA-256 fingerprint', fingerprint);
}

/** The address with `{user}` and `{password}` filled in, so that the flow holds neither. */
function address(text = '', protocols: readonly string[], login: SourceLogin): URL {
  const filled = fillLogin(text.trim(), (part) => {
    const value = login[part] ?? '';
    if (value !== '') return value;
    throw invalidField(part, `a value for {${part}} in the address`, 'nothing');
  });
  const url = URL.canParse(filled) ? new URL(filled) : undefined;
  if (url && protocols.includes(url.protocol)) return url;
  throw invalidField(
    'url',
    `an address that begins with ${protocols.map((each) => `${each}//`).join(' or ')}`,
    shownAddress(text || 'nothing'),
  );
}
