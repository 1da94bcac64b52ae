import type { Bonjour, ServiceConfig } from 'bonjour-service';
import { SmolvlmError } from '../errors';

/** Where multicast DNS is spoken; empty: on port 5353 of the interface that the system prefers. */
export interface MulticastOptions {
  /** IPv4 address of the only network interface to use. */
  readonly interface?: string;
  readonly port?: number;
}

/** The service's type without its underscore: `_smolvlm._tcp`. */
export const serviceType = 'smolvlm';

/**
 * Opens a socket for multicast DNS.
 * @param onError receives each failure of the socket, also later ones
 * @throws SmolvlmError `discovery-package` if the optional package is missing
 */
export async function openMulticast(
  options: MulticastOptions,
  onError: (error: Error) => void,
): Promise<Bonjour> {
  const { Bonjour } = await loadBonjour();
  // Bound to every address: a socket that is bound to one address of Linux receives no multicast packet.
  const socket = { ...options, bind: '0.0.0.0' } as Partial<ServiceConfig>;
  const bonjour = new Bonjour(socket, onError);
  // The package leaves these events without a listener, and Node.js would end the process.
  multicastSocket(bonjour).on('error', onError);
  return bonjour;
}

/** Closes the socket, without a goodbye. */
export function closeMulticast(bonjour: Bonjour): Promise<void> {
  return new Promise((resolve) => bonjour.destroy(resolve));
}

function multicastSocket(bonjour: Bonjour): NodeJS.EventEmitter {
  return (bonjour as unknown as { readonly server: { readonly mdns: NodeJS.EventEmitter } }).server.mdns;
}

async function loadBonjour(): Promise<{ readonly Bonjour: typeof Bonjour }> {
  try {
    return await import('bonjour-service');
  } catch (cause) {
    throw new SmolvlmError(
      'discovery-package',
      'cannot load the package bonjour-service, which finds engines',
      { hint: 'Install this package without --omit=optional.', cause },
    );
  }
}
