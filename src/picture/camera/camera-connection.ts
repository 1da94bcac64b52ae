import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { defined } from '../../system/defined';
import { shownAddress } from '../../system/shown-address';
import { ImageError } from '../image-error';
import type { CameraAccess, CertificateTrust } from './camera-access';
import { type LenientResponse, readResponse } from './lenient-response';

export interface CameraResponse extends LenientResponse {
  /** Ends the connection; the body ends with it. */
  close(): void;
}

/**
 * One GET over its own connection.
 * @throws ImageError `image-certificate`; errors of the network and of the signal
 */
export async function openCamera(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { trust, resolveHost }: Pick<CameraAccess, 'trust' | 'resolveHost'>,
  signal: AbortSignal,
): Promise<CameraResponse> {
  signal.throwIfAborted();
  const isSecure = url.protocol === 'https:';
  const target = place(url, isSecure ? 443 : 80);
  const host = (await resolveHost?.(target.host)) ?? target.host;
  signal.throwIfAborted();
  const socket = isSecure
    ? secureSocket({ ...target, host }, target.host, trust)
    : connect({ ...target, host });
  // Errors reject the waiting or the reading; one between the two must not end the process.
  socket.on('error', () => undefined);
  addAbortSignal(signal, socket);
  try {
    await once(socket, isSecure ? 'secureConnect' : 'connect');
    if (isSecure) checkCertificate(socket as TLSSocket, url, trust);
    // Values that a camera sent go back to it byte by byte.
    socket.write(requestText(url, headers), 'latin1');
    const response = await readResponse(socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>);
    return { ...response, close: () => void socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function place(url: URL, defaultPort: number): { host: string; port: number } {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || defaultPort) };
}

function requestText(url: URL, headers: Readonly<Record<string, string>>): string {
  const fields = {
    Host: url.host,
    'User-Agent': 'node-red-smolvlm',
    'Accept-Encoding': 'identity',
    Connection: 'close',
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** @param name the host's, which its certificate must have */
function secureSocket(
  target: { readonly host: string; readonly port: number },
  name: string,
  trust: CertificateTrust | undefined,
): TLSSocket {
  return connectTls({
    ...target,
    // The certificate is checked against the name, or against the IP address if there is no name.
    ...defined({ servername: isIP(name) === 0 ? name : undefined }),
    // Judged by checkCertificate before anything is sent.
    rejectUnauthorized: false,
    // Old cameras support only old TLS and short keys; that is accepted if the user vouches for the certificate.
    ...(trust && { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  });
}

/** @throws ImageError `image-certificate` */
function checkCertificate(socket: TLSSocket, url: URL, { fingerprint, any }: CertificateTrust = {}): void {
  const shown = socket.getPeerCertificate().fingerprint256 ?? 'none';
  if (fingerprint !== undefined) {
    if (shown.replaceAll(':', '') === fingerprint) return;
    throw new ImageError(
      'image-certificate',
      `${shownAddress(url)} presented a certificate with the SHA-256 fingerprint ${shown}, not the expected one`,
      {
        hint: 'If the camera was replaced or reset, enter the new fingerprint; otherwise another machine answers.',
      },
    );
  }
  if (any === true || socket.authorized) return;
  throw new ImageError(
    'image-certificate',
    `the certificate of ${shownAddress(url)} is not trusted (${reasonOf(socket)}); its SHA-256 fingerprint is ${shown}`,
    {
      hint: 'In the frame node enter this fingerprint, or tick "any certificate" if the network is trusted.',
      cause: socket.authorizationError,
    },
  );
}

function reasonOf({ authorizationError }: Socket & { authorizationError?: Error | string }): string {
  const code = authorizationError instanceof Error ? authorizationError.message : String(authorizationError);
  const words: Record<string, string> = {
    DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
    SELF_SIGNED_CERT_IN_CHAIN: 'self-signed authority',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown authority',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown authority',
    CERT_HAS_EXPIRED: 'expired',
    ERR_TLS_CERT_ALTNAME_INVALID: 'made for another name',
  };
  return words[code] ?? code;
}
