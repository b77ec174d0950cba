import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { Incoming } from '#shared/lambda/api-handler.ts';
import { personAuthentication } from './authenticate.ts';
import { me } from './me.ts';

const issuer = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool';
const clientId = 'the-client';
const now = Date.UTC(2026, 6, 14, 12) / 1000;

const own = await generateKeyPair('RS256');
const other = await generateKeyPair('RS256');
const elliptic = await generateKeyPair('ES256');
const keys = createLocalJWKSet({
  keys: [
    { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256' },
    { ...(await exportJWK(elliptic.publicKey)), kid: 'elliptic', alg: 'ES256' },
  ],
});

const good: JWTPayload = {
  iss: issuer,
  sub: 'subject-1',
  client_id: clientId,
  token_use: 'access',
  username: 'ann',
  'cognito:groups': ['operator', 'accounting'],
  iat: now - 10,
  exp: now + 3600,
};

const sign = (claims: JWTPayload, header: { alg?: string; kid?: string; typ?: string } = {}, key = own.privateKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'own', ...header }).sign(key);

const without = (...names: readonly string[]): JWTPayload =>
  Object.fromEntries(Object.entries(good).filter(([name]) => !names.includes(name)));

function incoming(authorization: string | undefined, endpoint: Partial<Incoming['endpoint']> = {}): Incoming {
  return {
    name: 'getStatus',
    endpoint: { ...operatorEndpoints.getStatus, ...endpoint },
    method: 'GET',
    path: '/v1/status',
    headers: authorization === undefined ? {} : { authorization },
    body: new Uint8Array(),
    from: { address: '192.0.2.1' },
    requestId: 'request-1',
  };
}

const authenticate = personAuthentication({
  issuer,
  clientId,
  roleClaim: 'cognito:groups',
  keys,
  now: () => new Date(now * 1000),
});

const ask = async (token: string, endpoint?: Partial<Incoming['endpoint']>) =>
  authenticate(incoming(`Bearer ${token}`, endpoint));

describe('a person', () => {
  it('is who the access token speaks for', async () => {
    expect(await ask(await sign(good))).toEqual({ subject: 'subject-1', name: 'ann', role: 'operator' });
  });

  it.each([
    ['an audience instead of client_id', { ...without('client_id'), aud: clientId }],
    ['the client as one of several audiences', { ...without('client_id'), aud: ['other', clientId] }],
    ['one role as text', { ...good, 'cognito:groups': 'operator' }],
  ])('may be named with %s', async (_what, claims) => {
    expect(await ask(await sign(claims))).toMatchObject({ role: 'operator' });
  });

  const bare = { ...without('token_use', 'client_id'), aud: clientId };
  it.each<[string, JWTPayload, { typ?: string }]>([
    ['Entra ID', { ...bare, azp: 'cli', scp: 'manage', ver: '2.0' }, { typ: 'JWT' }],
    ['Okta', { ...bare, cid: 'cli', scp: ['openid', 'kbroker'], ver: 1 }, {}],
    ['Auth0', { ...bare, azp: 'cli', scope: 'openid profile' }, { typ: 'JWT' }],
    ['RFC 9068', bare, { typ: 'at+jwt' }],
    ['RFC 9068, spelled out', bare, { typ: 'application/at+JWT' }],
  ])('may be named by an access token in the form of %s', async (_what, claims, header) => {
    expect(await ask(await sign(claims, header))).toMatchObject({ role: 'operator' });
  });

  it('may be named by a token that an elliptic key signed', async () => {
    const token = await sign(good, { alg: 'ES256', kid: 'elliptic' }, elliptic.privateKey);
    expect(await ask(token)).toMatchObject({ subject: 'subject-1' });
  });

  it('has the highest role of those that the token gives', async () => {
    const token = await sign({ ...good, 'cognito:groups': ['viewer', 'administrator', 'operator'] });
    expect(await ask(token)).toMatchObject({ role: 'administrator' });
  });

  it('is called by the name that people use, or by the subject', async () => {
    expect(await ask(await sign({ ...good, name: 'Ann Other' }))).toMatchObject({ name: 'Ann Other' });
    expect(await ask(await sign(without('username')))).toMatchObject({ name: 'subject-1' });
    // A long one is cut, but not through a character: rows with half of one cannot be kept.
    const { name } = await ask(await sign({ ...good, name: `${'a'.repeat(199)}😀` }));
    expect(name.isWellFormed()).toBe(true);
  });
});

describe('nobody is let in with', () => {
  it.each([
    ['no header', undefined],
    ['another scheme', 'Basic YW5uOmFubg=='],
    ['an empty token', 'Bearer '],
    ['two tokens', 'Bearer a b'],
    ['a text that is no JWT', 'Bearer guessed'],
    ['a token without end', `Bearer ${'x'.repeat(9000)}`],
  ])('%s', async (_what, header) => {
    await expect(authenticate(incoming(header))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it.each<[string, JWTPayload, RegExp]>([
    ['a token of another issuer', { ...good, iss: `${issuer}x` }, /issued by ".*poolx"; allowed is https:\/\/cognito/],
    ['a token of the issuer with a slash more', { ...good, iss: `${issuer}/` }, /issued by/],
    ['a token of nobody', without('iss'), /no iss/],
    ['a token that ended', { ...good, exp: now - 31 }, /ended at 2026-07-14T11:59:29.000Z/],
    ['a token without end', without('exp'), /no exp/],
    ['a token from later', { ...good, nbf: now + 31 }, /not good before 2026-07-14T12:00:31.000Z/],
    ['a token for another client', { ...good, client_id: 'other' }, /client_id "other"; allowed is the-client/],
    ['a token for another audience', { ...without('client_id'), aud: 'other' }, /aud "other"/],
    ['a token for no client', without('client_id'), /for aud none and client_id none/],
    ['an ID token of Cognito', { ...good, token_use: 'id', aud: clientId }, /"id"; allowed is an access token/],
    ['an ID token of others', { ...without('token_use'), scope: 'openid', aud: clientId, at_hash: 'x' }, /an ID token/],
    [
      'an ID token with a nonce',
      { ...without('token_use'), scope: 'openid', aud: clientId, nonce: 'x' },
      /an ID token/,
    ],
    ['an ID token that hides a code', { ...without('token_use'), scp: 'a', aud: clientId, c_hash: 'x' }, /an ID token/],
    // Entra ID's, by the code flow: roles, and nothing that only an ID token has.
    [
      'an ID token that says nothing of itself',
      { ...without('token_use', 'client_id'), aud: clientId, ver: '2.0', tid: 'x', preferred_username: 'ann' },
      /nothing says that it is an access token/,
    ],
    ['an empty scope', { ...without('token_use'), scope: ' ' }, /nothing says/],
    ['no scopes in a list', { ...without('token_use'), scp: [] }, /nothing says/],
    ['a token without subject', without('sub'), /no sub/],
  ])('%s', async (_what, claims, words) => {
    await expect(ask(await sign(claims))).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(words),
    });
  });

  it.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt'])('a token of the type %s', async (typ) => {
    await expect(ask(await sign(good, { typ }))).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(/type .*\+jwt.*; allowed are at\+jwt, JWT/),
    });
  });

  it('a token that another key signed, by its own name or by that of ours', async () => {
    await expect(ask(await sign(good, {}, other.privateKey))).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(/not signed by/),
    });
    await expect(ask(await sign(good, { kid: 'other' }, other.privateKey))).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(/does not have/),
    });
  });

  it('a token without signature, or with one by a shared secret', async () => {
    const unsigned = new UnsecuredJWT(good).encode();
    await expect(ask(unsigned)).rejects.toMatchObject({ code: 'unauthenticated' });
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(own.publicKey)));
    const shared = await new SignJWT(good).setProtectedHeader({ alg: 'HS256', kid: 'own' }).sign(secret);
    await expect(ask(shared)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(/allowed are RS256/),
    });
  });

  it('claims that were changed after the signature', async () => {
    const [header, , signature] = (await sign(good)).split('.');
    const forged = Buffer.from(JSON.stringify({ ...good, 'cognito:groups': ['administrator'] })).toString('base64url');
    await expect(ask(`${header}.${forged}.${signature}`)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

it('keys that cannot be had let nobody in, and say that it is not the caller', async () => {
  const broken = personAuthentication({
    issuer,
    clientId,
    roleClaim: 'cognito:groups',
    keys: async () => {
      throw new TypeError('fetch failed');
    },
    now: () => new Date(now * 1000),
  });
  await expect(broken(incoming(`Bearer ${await sign(good)}`))).rejects.toMatchObject({ code: 'unavailable' });
});

describe('a role', () => {
  it.each([
    ['no groups', without('cognito:groups'), /holds none; allowed are viewer, operator, administrator/],
    ['groups that are not ours', { ...good, 'cognito:groups': ['accounting'] }, /holds \["accounting"\]/],
    ['a role in other letters', { ...good, 'cognito:groups': ['Viewer'] }, /gives no role/],
    ['a group that is an object', { ...good, 'cognito:groups': [{ viewer: true }] }, /gives no role/],
  ])('is needed: %s', async (_what, claims, words) => {
    await expect(ask(await sign(claims))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(words),
    });
  });

  it('is read from the claim that is configured', async () => {
    const check = personAuthentication({ issuer, clientId, roleClaim: 'roles', keys, now: () => new Date(now * 1000) });
    const token = await sign({ ...good, roles: ['viewer'] });
    expect(await check(incoming(`Bearer ${token}`))).toMatchObject({ role: 'viewer' });
  });

  it('opens what it may do and what lower ones may, and nothing above', async () => {
    const token = await sign(good);
    expect(await ask(token, { access: 'viewer' })).toMatchObject({ role: 'operator' });
    expect(await ask(token, { access: 'operator' })).toMatchObject({ role: 'operator' });
    await expect(ask(token, { access: 'administrator' })).rejects.toMatchObject({
      code: 'forbidden',
      message: 'ann is operator; GET /v1/status needs administrator',
    });
  });

  it('opens nothing that is for hosts, or that says of nobody that it is for them', async () => {
    const token = await sign({ ...good, 'cognito:groups': ['administrator'] });
    await expect(ask(token, { access: 'host' })).rejects.toMatchObject({ code: 'forbidden' });
    const { access: _access, ...unguarded } = operatorEndpoints.getStatus;
    // What the compiler forbids may still come to pass: a row without access opens for nobody.
    const request = Object.assign(incoming(`Bearer ${token}`), { endpoint: unguarded });
    await expect(authenticate(request)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

it('everybody is told who they are', async () => {
  const caller = await ask(await sign(good));
  const call = { request: undefined, path: {}, query: {}, caller, from: { address: '192.0.2.1' }, requestId: 'r' };
  expect(operatorEndpoints.getMe.response.parse(await me.getMe(call))).toEqual({
    version: 1,
    subject: 'subject-1',
    name: 'ann',
    role: 'operator',
  });
});
