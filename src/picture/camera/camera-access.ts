export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Which certificates are trusted beside those of a known authority. */
export interface CertificateTrust {
  /** SHA-256 of the one certificate that is trusted, 64 hexadecimal digits in upper case. */
  readonly fingerprint?: string;
  /** Any certificate is trusted. */
  readonly any?: boolean;
}

/** Chooses the IP address to connect to for a host name or an IP address. @throws when there is none that may be used */
export type ResolveHost = (host: string) => Promise<string>;

/** What a camera needs besides its address. */
export interface CameraAccess {
  /** Used instead of user and password in the address. */
  readonly credentials?: Credentials;
  readonly trust?: CertificateTrust;
  /** Asked for each connection, redirects included; default: the system's resolver. */
  readonly resolveHost?: ResolveHost;
}
