import { isIP } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { isPublicAddress, privateAddressError, publicLookup } from './public-address.ts';

/** Limit for a connection, to a host or to a proxy. Milliseconds. */
export const connectTimeoutMilliseconds = 10_000;

/**
 * Connections to hosts on the internet, and to nothing else: a name of Microsoft's that leads into the network of the function
 * is an attack on it.
 */
export function createUpstreamAgent(): Agent {
  const connector = buildConnector({ timeout: connectTimeoutMilliseconds, lookup: publicLookup() });
  return new Agent({
    connect: (options, callback) => {
      const literal = options.hostname.replace(/^\[(.*)\]$/, '$1');
      // Nobody looks up what is an address already.
      if (isIP(literal) !== 0 && !isPublicAddress(literal))
        callback(privateAddressError(options.hostname, literal), null);
      else connector(options, callback);
    },
    // An idle connection does not outlive the pause of a frozen Lambda environment by much.
    keepAliveTimeout: 4_000,
  });
}
