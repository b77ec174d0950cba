import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { expect, it } from 'vitest';
import { closeServer, listenOnLoopback } from '#local/servers/http.ts';
import { issuerKeys } from './issuer-keys.ts';

const pair = await generateKeyPair('ES256');
const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(pair.privateKey);

/** An issuer that answers as it is told, and counts. */
async function startIssuer() {
  const state = { status: 200, issuer: '', discoveries: 0, keys: 0 };
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' };
  const server = createServer((request, response) => {
    const isKeys = request.url === '/pool/keys';
    state[isKeys ? 'keys' : 'discoveries'] += 1;
    const document = isKeys ? { keys: [jwk] } : { issuer: state.issuer, jwks_uri: `${url}/pool/keys` };
    response.writeHead(state.status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  const url = await listenOnLoopback(server);
  state.issuer = `${url}/pool`;
  return { state, issuer: `${url}/pool`, [Symbol.asyncDispose]: () => closeServer(server) };
}

it('the keys are found by the discovery document, once', async () => {
  await using provider = await startIssuer();
  const keys = issuerKeys(provider.issuer);
  await jwtVerify(token, keys);
  await jwtVerify(token, keys);
  expect(provider.state).toMatchObject({ discoveries: 1, keys: 1 });
});

it('an issuer that fails is asked again the next time', async () => {
  await using provider = await startIssuer();
  const keys = issuerKeys(provider.issuer);
  provider.state.status = 503;
  await expect(jwtVerify(token, keys)).rejects.toThrow('answered 503');
  provider.state.status = 200;
  await jwtVerify(token, keys);
});

it('the document of another issuer is not believed', async () => {
  await using provider = await startIssuer();
  provider.state.issuer = 'https://elsewhere.example';
  await expect(jwtVerify(token, issuerKeys(provider.issuer))).rejects.toThrow('is of the issuer https://elsewhere');
});
