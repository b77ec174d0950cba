import { Agent } from 'undici';
import { connectTimeoutMilliseconds } from './client.ts';
import { publicLookup } from './public-address.ts';

/** The connections of one process to Microsoft's hosts; made in the composition root and passed to the client. */
export function createUpstreamAgent(): Agent {
  return new Agent({
    // A name of Microsoft's that leads into the network of the function is an attack on it.
    connect: { timeout: connectTimeoutMilliseconds, lookup: publicLookup() },
    // An idle connection does not outlive the pause of a frozen Lambda environment by much.
    keepAliveTimeout: 4_000,
  });
}
