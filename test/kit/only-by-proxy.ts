import { subscribe } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

/**
 * Loaded before a program (`node --import`), this lets it connect to the port `KBROKER_TEST_ONLY_PORT` alone, and look up no
 * name: whatever it reaches, it reaches through the proxy there. The origin of each request that it makes is written to a line
 * of `KBROKER_TEST_REQUESTS`.
 */
const only = Number(process.env.KBROKER_TEST_ONLY_PORT);
const requests = process.env.KBROKER_TEST_REQUESTS ?? '';

const { connect } = Socket.prototype;
Socket.prototype.connect = function (this: Socket, ...given: unknown[]) {
  // Called by net.connect with its arguments made normal, in an array of their own.
  const [first] = given.flat() as [{ readonly port?: number | string; readonly path?: string } | undefined];
  if (first?.path === undefined && Number(first?.port) !== only) {
    throw new Error(`a connection to port ${first?.port} goes round the proxy`);
  }
  return Reflect.apply(connect, this, given);
} as typeof connect;

dns.lookup = ((host: string) => {
  throw new Error(`${host} is looked up, which is the business of the proxy`);
}) as unknown as typeof dns.lookup;
syncBuiltinESMExports();

subscribe('undici:request:create', (message) => {
  const { request } = message as { readonly request: { readonly method: string; readonly origin?: string | URL } };
  if (request.method !== 'CONNECT') appendFileSync(requests, `${request.origin}\n`);
});
