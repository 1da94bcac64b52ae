/** What an engine tells the local network about itself. */
export interface EngineAnnouncement {
  /** Of the package. */
  readonly version: string;
  readonly protocol: number;
  /** Id of the served model, never a path; absent if it serves none. */
  readonly model?: string;
  /** Whether it expects TLS. */
  readonly tls: boolean;
  /** SHA-256 of its certificate, 64 hexadecimal digits in upper case. */
  readonly fingerprint?: string;
}

/** An engine that was found on the local network. */
export interface FoundEngine extends EngineAnnouncement {
  /** Host name, or its address if it has none. */
  readonly host: string;
  /** As the engine's dialog takes it, followed by the fingerprint of its certificate. */
  readonly url: string;
}
