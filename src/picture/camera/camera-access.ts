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

/** What a camera needs besides its address. */
export interface CameraAccess {
  /** Used instead of user and password in the address. */
  readonly credentials?: Credentials;
  readonly trust?: CertificateTrust;
}
