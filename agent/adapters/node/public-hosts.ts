import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIPv6 } from 'node:net';
import { AgentError } from '../../ports/agent-error.ts';

/** What is nobody's on the open internet: this machine, private, link-local, shared, reserved and multicast networks. */
const inside = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(network, prefix, 'ipv4');
}
/** The one part of IPv6 that is given to anybody (RFC 4291), without what is set aside in it. */
const outside = new BlockList();
outside.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 leads to an IPv4 address that is not looked at here.
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  inside.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address can be that of a server on the open internet. @param address IPv4 or IPv6 */
export const isPublicAddress = (address: string): boolean =>
  isIPv6(address) ? outside.check(address, 'ipv6') && !inside.check(address, 'ipv6') : !inside.check(address, 'ipv4');

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/**
 * As `dns.lookup`, and refuses a name that has an address inside: whoever can answer for Microsoft's names must not make an agent
 * ask its neighbours.
 *
 * @param resolve asks for the addresses of a name
 */
export const publicLookup =
  (resolve: typeof lookup = lookup) =>
  (host: string, options: LookupOptions, found: Found): void => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, []);
      const refused = addresses.find(({ address }) => !isPublicAddress(address));
      const [first] = addresses;
      if (refused !== undefined || first === undefined) {
        const why = refused === undefined ? 'it has no address' : `${refused.address} is no address on the internet`;
        return found(new AgentError('forbidden-host', `${host} is not contacted: ${why}`), []);
      }
      if (options.all === true) found(null, addresses);
      else found(null, first.address, first.family);
    });
  };
