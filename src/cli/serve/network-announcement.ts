import { isIPv4 } from 'node:net';
import { announceEngine } from '../../discovery/announce-engine';
import type { MulticastOptions } from '../../discovery/multicast';
import { errorBody } from '../../errors';
import { packageVersion } from '../../package-version';
import { protocolVersion } from '../../protocol/engine-status';
import { isLoopback } from '../../server/http/listen';
import { modelId } from '../../server/model-catalog';
import type { ServeOptions } from '../../server/serve-engine';
import { defined } from '../../system/defined';
import { certificateFingerprint } from '../certificate/self-signed-certificate';

/**
 * Announces an engine that listens on the network by multicast DNS. One on loopback or a unix socket sends nothing. An
 * engine that cannot be announced is served all the same.
 * @param url where it listens
 * @returns ends the announcement; undefined if there is none
 */
export async function startAnnouncement(
  { tcp, model }: Pick<ServeOptions, 'tcp' | 'model'>,
  url: string | undefined,
  log: (line: string) => void,
  multicast: MulticastOptions = {},
): Promise<{ close(): Promise<void> } | undefined> {
  if (!tcp || url === undefined || isLoopback(tcp.host)) return undefined;
  // A network that goes away fails at each packet: the first failure says it.
  let reported = false;
  const report = (error: unknown): void => {
    if (!reported) log(`the engine is not announced on the network: ${errorBody(error).message}`);
    reported = true;
  };
  try {
    const engine = await announceEngine({
      enginePort: Number(new URL(url).port),
      announcement: {
        version: packageVersion(),
        protocol: protocolVersion,
        tls: tcp.tls !== undefined,
        ...defined({
          model: model === undefined ? undefined : modelId(model),
          fingerprint: tcp.tls && certificateFingerprint(tcp.tls.cert),
        }),
      },
      onError: report,
      ...(isIPv4(tcp.host) && tcp.host !== '0.0.0.0' && { interface: tcp.host }),
      ...multicast,
    });
    log(`announced on the local network as ${engine.name}; --no-announce prevents this`);
    return engine;
  } catch (error) {
    report(error);
    return undefined;
  }
}
