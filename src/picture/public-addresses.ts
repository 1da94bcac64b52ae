import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { SmolvlmError } from '../errors';
import type { ResolveHost } from './camera/camera-access';
import { ImageError } from './image-error';

/** IANA's special-purpose IPv4 addresses: of no network that is reached through the internet. */
const specialIpv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** Within 2000::/3, the only public IPv6 addresses: Teredo and others of IANA, documentation, 6to4. */
const specialIpv6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const special = new BlockList();
for (const [address, bits] of specialIpv4) special.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of specialIpv6) special.addSubnet(address, bits, 'ipv6');
const globalIpv6 = new BlockList();
globalIpv6.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address can be one on the internet: not loopback, private, link-local, multicast or IPv4 within IPv6. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return globalIpv6.check(address, 'ipv6') && !special.check(address, 'ipv6');
    default:
      return false;
  }
}

export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>;

const systemLookUp: LookUp = (host) => lookup(host, { all: true, verbatim: true });

/**
 * Resolves hosts to public addresses only, besides those that are allowed. The connection goes to the very address that
 * was checked: a name that resolves differently a moment later changes nothing.
 * @param allowed host names, IP addresses and networks such as `192.168.1.0/24` @throws SmolvlmError `image-hosts`
 */
export function publicAddresses(allowed: readonly string[] = [], lookUp = systemLookUp): ResolveHost {
  return hostsWhere(isPublicAddress, allowed, lookUp, {
    message: (host) => `${host} is not a host on the internet`,
    hint: 'Start the engine with --allow-image-host HOST to fetch pictures from this host.',
  });
}

/**
 * The hosts from which pictures are fetched for other programs. @returns undefined when there are none
 * @param internet whether hosts on the internet are among them @param allowed others, or the only ones
 * @throws SmolvlmError `image-hosts`
 */
export function pictureHosts(
  internet: boolean,
  allowed: readonly string[],
  lookUp = systemLookUp,
): ResolveHost | undefined {
  if (internet) return publicAddresses(allowed, lookUp);
  return allowed.length > 0 ? allowedAddresses(allowed, lookUp) : undefined;
}

/** Resolves hosts that are allowed, and no others. */
function allowedAddresses(allowed: readonly string[], lookUp: LookUp): ResolveHost {
  return hostsWhere(() => false, allowed, lookUp, {
    message: (host) => `${host} is not a host of --allow-image-host`,
    hint: 'Start the engine with --allow-image-host HOST too, or with --allow-image-urls for hosts on the internet.',
  });
}

function hostsWhere(
  isOpen: (address: string) => boolean,
  allowed: readonly string[],
  lookUp: LookUp,
  refusal: { readonly message: (host: string) => string; readonly hint: string },
): ResolveHost {
  const names = new Set<string>();
  const networks = new BlockList();
  for (const entry of allowed) addAllowed(entry, names, networks);
  const isAllowed = (address: string): boolean =>
    isOpen(address) || networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return async (host) => {
    const addresses = isIP(host) === 0 ? await lookUp(host) : [{ address: host }];
    const found = addresses.find(({ address }) => names.has(host.toLowerCase()) || isAllowed(address));
    if (found && isIP(found.address) !== 0) return found.address;
    throw new ImageError('image-host', refusal.message(host), { hint: refusal.hint });
  };
}

/** Networks that can be a person's own: private, shared, loopback, unique local. A network to allow lies within one of them. */
const ownNetworks = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['fc00::', 7],
] as const;

function addAllowed(entry: string, names: Set<string>, networks: BlockList): void {
  const [address = '', bits, ...more] = entry.split('/');
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  const isNumber = bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
  if (more.length === 0 && version !== 0 && (bits === undefined || isNumber)) {
    const width = Number(bits ?? longest);
    if (width < longest) checkOwnNetwork(entry, address, width);
    networks.addSubnet(address, width, version === 6 ? 'ipv6' : 'ipv4');
  } else if (bits === undefined && /^[a-z0-9._-]+$/i.test(entry)) names.add(entry.toLowerCase());
  else {
    throw new SmolvlmError(
      'image-hosts',
      `expected a host name, an IP address or a network such as 192.168.1.0/24, received "${entry}"`,
      { hint: 'Write the name or address without http:// and port.' },
    );
  }
}

/** A wider network would let clients reach more than intended, such as a cloud's metadata service. */
function checkOwnNetwork(entry: string, address: string, bits: number): void {
  const version = isIP(address);
  const lies = ownNetworks.some(([own, ownBits]) => {
    if (isIP(own) !== version || bits < ownBits) return false;
    const block = new BlockList();
    block.addSubnet(own, ownBits, version === 6 ? 'ipv6' : 'ipv4');
    return block.check(address, version === 6 ? 'ipv6' : 'ipv4');
  });
  if (lies) return;
  const expected = ownNetworks.map(([own, ownBits]) => `${own}/${ownBits}`).join(', ');
  throw new SmolvlmError('image-hosts', `expected a network within one of ${expected}, received "${entry}"`, {
    hint: 'Name your own network, such as 192.168.1.0/24. --allow-image-urls allows the addresses on the internet.',
  });
}
