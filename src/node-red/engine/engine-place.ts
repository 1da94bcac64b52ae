import type { EngineApi } from '../../client/engine-api';
import { EngineClient, type EngineClientOptions } from '../../client/engine-client';
import { NatsEngine } from '../../nats/client/nats-engine';
import type { EnginePlace } from './engine-settings';

/** A client of one engine, or of a group of hubs. */
export function clientOf(place: EnginePlace, options: EngineClientOptions): EngineApi {
  return place.kind === 'group' ? new NatsEngine(place.nats) : new EngineClient(place, options);
}

/** Origin of a remote engine, the servers of a group, or `local`. */
export function shownPlace(place: EnginePlace): string {
  if (place.kind === 'group') return place.nats.servers.join(', ');
  return place.kind === 'remote' ? place.url.origin : 'local';
}
