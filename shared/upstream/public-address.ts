import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Networks that are nobody's on the internet, or this machine's and its neighbours' (IANA's special-purpose registries). */
const special = { 4: new BlockList(), 6: new BlockList() };
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Instance metadata, and what Lambda itself is asked by.
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
] as const)
  special[4].addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 127],
  // Addresses of the fourth version in other clothes: none of Microsoft's names leads to them.
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  special[6].addSubnet(network, bits, 'ipv6');

/** Whether an address is one on the internet. */
export function isPublicAddress(address: string): boolean {
  // A list of its own for each: one list would take every address of the fourth version for a mapped one.
  if (isIP(address) === 4) return !special[4].check(address, 'ipv4');
  return isIP(address) === 6 && !special[6].check(address, 'ipv6');
}

/** Code of the error for a name that leads to another address than one on the internet. */
export const privateAddressCode = 'ERR_PRIVATE_ADDRESS';

/** @param address where the name leads; undefined for nowhere */
export function privateAddressError(hostname: string, address: string | undefined): Error {
  const where = address === undefined ? 'nowhere' : `to ${address}, which is no address on the internet`;
  return Object.assign(new Error(`${hostname} leads ${where}`), { code: privateAddressCode });
}

type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A lookup for sockets that gives addresses on the internet only. The socket connects to what this gives, and asks nobody a
 * second time: a name cannot lead elsewhere between the look and the connection.
 *
 * @param resolve @default the system's resolver
 */
export const publicLookup =
  (resolve: Resolve = dnsLookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const wrong = addresses.find(({ address }) => !isPublicAddress(address));
      if (wrong !== undefined || addresses[0] === undefined)
        return callback(privateAddressError(hostname, wrong?.address), []);
      if (options.all === true) return callback(null, addresses);
      callback(null, addresses[0].address, addresses[0].family);
    });
  };
