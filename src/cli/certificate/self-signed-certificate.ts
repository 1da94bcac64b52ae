import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { SmolvlmError } from '../../errors';

export interface SelfSignedCertificate {
  /** PEM. */
  readonly cert: string;
  /** PKCS #8 in PEM. */
  readonly key: string;
  /** SHA-256 of the certificate, 64 hexadecimal digits in upper case. */
  readonly fingerprint: string;
  readonly validTo: Date;
}

export interface CertificateOptions {
  /** Host names and IP addresses; at least one. */
  readonly names: readonly string[];
  readonly validFrom: Date;
  readonly validDays: number;
}

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Makes a key on the curve P-256 and a certificate for it that is signed by itself. Clients pin its fingerprint.
 * @throws SmolvlmError `certificate-package` if the optional packages are missing
 */
export async function selfSignedCertificate({
  names,
  validFrom,
  validDays,
}: CertificateOptions): Promise<SelfSignedCertificate> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const validTo = new Date(validFrom.getTime() + validDays * dayMs);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      // Positive: its first bit is 0.
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      name: [{ CN: [`smolvlm ${names[0]}`.slice(0, 64)] }],
      notBefore: validFrom,
      notAfter: validTo,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      keys: keys as never,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
        ),
      ],
    },
    webcrypto as never,
  );
  const cert = `${certificate.toString('pem')}\n`;
  const key = x509.PemConverter.encode(
    await webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
    'PRIVATE KEY',
  );
  return { cert, key: `${key}\n`, fingerprint: certificateFingerprint(cert), validTo };
}

/** SHA-256 of a certificate in PEM, 64 hexadecimal digits in upper case, as it is pinned in an engine's address. */
export function certificateFingerprint(cert: string): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toUpperCase();
}

async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  try {
    // The package expects this addition to the global Reflect to be loaded before it.
    await import('reflect-metadata');
    return await import('@peculiar/x509');
  } catch (cause) {
    throw new SmolvlmError(
      'certificate-package',
      'cannot load the package @peculiar/x509, which makes certificates',
      {
        hint: 'Install this package without --omit=optional, or make the certificate with openssl.',
        cause,
      },
    );
  }
}
