import { SmolvlmError } from '../errors';

/** The packages of NATS' client, which are optional. */
export interface NatsPackages {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
  readonly objects: typeof import('@nats-io/obj');
}

/** @throws SmolvlmError `nats-package` */
export async function loadNats(): Promise<NatsPackages> {
  try {
    const [transport, jetstream, objects] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/obj'),
    ]);
    return { transport, jetstream, objects };
  } catch (cause) {
    throw new SmolvlmError('nats-package', 'cannot load the packages @nats-io/…, which connect to NATS', {
      hint: 'Install this package without --omit=optional.',
      cause,
    });
  }
}
