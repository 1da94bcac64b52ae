import { createHash } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import type { EngineAnnouncement } from '../protocol/found-engine';
import { announcementTxt } from './engine-announcement';
import { closeMulticast, type MulticastOptions, openMulticast, serviceType } from './multicast';

export interface AnnouncedEngine {
  /** As programs that browse the network show it. */
  readonly name: string;
  /** Says goodbye, so that caches forget the engine, and closes the socket. */
  close(): Promise<void>;
}

export interface AnnounceOptions extends MulticastOptions {
  /** The port that the engine listens on. */
  readonly enginePort: number;
  readonly announcement: EngineAnnouncement;
  /** Receives each failure to send. */
  readonly onError: (error: Error) => void;
}

/**
 * Announces an engine as `_smolvlm._tcp` by multicast DNS, and answers queries until it is closed.
 * @throws SmolvlmError `discovery-package`
 */
export async function announceEngine(options: AnnounceOptions): Promise<AnnouncedEngine> {
  const { enginePort, announcement, onError, ...multicast } = options;
  const bonjour = await openMulticast(multicast, onError);
  const host = hostname().replace(/\..*$/s, '');
  const name = `${host.slice(0, 40)}-${enginePort}-${machineMark()}`;
  bonjour.publish({
    name,
    type: serviceType,
    port: enginePort,
    host: `${host}.local`,
    txt: announcementTxt(announcement),
    // The name belongs to this machine alone, so nothing needs to be asked first.
    probe: false,
  });
  return {
    name,
    close: async () => {
      await new Promise<void>((resolve) => bonjour.unpublishAll(() => resolve()));
      await closeMulticast(bonjour);
    },
  };
}

/** Distinguishes machines with the same host name, as boards of one image have; stays the same over restarts. */
function machineMark(): string {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const cards = [...new Set(interfaces.filter(({ internal }) => !internal).map(({ mac }) => mac))].sort();
  return createHash('sha256').update(cards.join(' ')).digest('hex').slice(0, 6);
}
