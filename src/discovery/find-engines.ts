import { isIP } from 'node:net';
import type { Service } from 'bonjour-service';
import type { FoundEngine } from '../protocol/found-engine';
import { type Clock, systemClock } from '../system/clock';
import { parseAnnouncement } from './engine-announcement';
import { closeMulticast, type MulticastOptions, openMulticast, serviceType } from './multicast';

export interface FindOptions extends MulticastOptions {
  readonly clock?: Clock;
}

/** A query is sent again after a second, because multicast packets get lost, above all in wireless networks. */
const queryMs = [0, 1_000] as const;
const waitMs = 2_500;

/** What a machine announces beyond this is ignored. */
const mostEngines = 50;

/**
 * Asks the local network for engines. Anything on the network can answer: what comes is checked for its form, and
 * nothing is sent to the addresses.
 * @throws SmolvlmError `discovery-package`, and what the socket fails with
 */
export async function findEngines(options: FindOptions = {}): Promise<readonly FoundEngine[]> {
  const { clock = systemClock, ...multicast } = options;
  let fail = (_error: Error): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const bonjour = await openMulticast(multicast, (error) => fail(error));
  const cancels: (() => void)[] = [];
  try {
    const browser = bonjour.find({ type: serviceType });
    const waited = new Promise<void>((resolve) => cancels.push(clock.after(waitMs, resolve)));
    for (const ms of queryMs) cancels.push(clock.after(ms, () => browser.update()));
    await Promise.race([waited, failed]);
    return sorted(browser.services.slice(0, mostEngines).flatMap((service) => foundEngine(service) ?? []));
  } finally {
    for (const cancel of cancels) cancel();
    await closeMulticast(bonjour);
  }
}

/** @returns undefined for an announcement that is not an engine's */
export function foundEngine(
  service: Pick<Service, 'host' | 'port' | 'addresses' | 'referer' | 'txt'>,
): FoundEngine | undefined {
  const announcement = parseAnnouncement(service.txt);
  const address = engineAddress(service);
  const { port } = service;
  if (!announcement || address === undefined || !(port >= 1 && port <= 65_535)) return undefined;
  const host = /^[\w.-]{1,253}$/.test(service.host) ? service.host : address;
  const authority = `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
  const { tls, fingerprint } = announcement;
  const url = tls
    ? `https://${authority}${fingerprint === undefined ? '' : `/#sha256=${fingerprint}`}`
    : `http://${authority}`;
  return { ...announcement, host, url };
}

/**
 * An address and not the name: `.local` names are not resolved inside containers. The address that the answer came
 * from is the one that is reachable from here, unless a repeater sent it.
 */
function engineAddress({
  addresses = [],
  referer,
}: Pick<Service, 'addresses' | 'referer'>): string | undefined {
  const valid = addresses.filter((address) => isIP(address) !== 0 && !/^fe80:/i.test(address));
  const sender = referer?.address;
  if (sender !== undefined && valid.includes(sender)) return sender;
  const fallback = sender !== undefined && isIP(sender) !== 0 ? sender : undefined;
  return valid.find((address) => isIP(address) === 4) ?? valid[0] ?? fallback;
}

function sorted(engines: readonly FoundEngine[]): FoundEngine[] {
  return engines.toSorted((a, b) => a.host.localeCompare(b.host) || a.url.localeCompare(b.url));
}
