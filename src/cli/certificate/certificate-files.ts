import { randomBytes } from 'node:crypto';
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { makeFolder } from '../../system/files/make-folder';
import { namingReadOnly } from '../../system/files/read-only-folder';
import { replaceFile } from '../../system/files/shared-files';
import type { SelfSignedCertificate } from './self-signed-certificate';

export interface CertificateFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export function certificateFiles(dir: string): CertificateFiles {
  return { certPath: join(dir, 'smolvlm-cert.pem'), keyPath: join(dir, 'smolvlm-key.pem') };
}

/** @throws SmolvlmError `certificate-exists`: clients have pinned the one that is there */
export async function checkNoCertificate({ certPath, keyPath }: CertificateFiles): Promise<void> {
  for (const path of [certPath, keyPath]) {
    if (await stat(path).catch(() => undefined)) {
      throw new SmolvlmError('certificate-exists', `${path} already exists`, {
        hint: 'Use it, or give --replace to make another one; clients must then pin its new fingerprint.',
      });
    }
  }
}

/**
 * Writes each file as a whole: the key for its owner alone, and before the certificate.
 * @throws SmolvlmError `folder-read-only`
 */
export async function writeCertificate(
  dir: string,
  { certPath, keyPath }: CertificateFiles,
  { cert, key }: SelfSignedCertificate,
): Promise<void> {
  await namingReadOnly(certPath, async () => {
    if ((await makeFolder(dir)) !== undefined) await chmod(dir, 0o700);
    const token = randomBytes(6).toString('hex');
    await replaceFile(keyPath, key, 0o600, token);
    await replaceFile(certPath, cert, 0o644, token);
  });
}
