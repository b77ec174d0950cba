import { Agent } from 'undici';
import { connectTimeoutMilliseconds } from './client.ts';

/** The connections of one process to Microsoft's hosts; made in the composition root and passed to the client. */
export function createUpstreamAgent(): Agent {
  return new Agent({
    connect: { timeout: connectTimeoutMilliseconds },
    // An idle connection does not outlive the pause of a frozen Lambda environment by much.
    keepAliveTimeout: 4_000,
  });
}
