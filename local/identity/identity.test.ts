import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { expect, it } from 'vitest';
import { loginRedirect } from '#shared/contract/login.ts';
import { logIn } from './login.ts';
import { people } from './people.ts';
import { startProvider, type TestProvider } from './testing/start.ts';

const discover = ({ issuer, clientId }: TestProvider) =>
  oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });

it.each(people.map(({ username }) => username))(
  '%s logs in and gets a token as Cognito gives them',
  async (username) => {
    await using provider = await startProvider();
    const before = Date.now();
    const tokens = await logIn({ ...provider, username });
    const configuration = await discover(provider);
    const keys = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri ?? ''));
    const { payload } = await jwtVerify(tokens.accessToken, keys, { issuer: provider.issuer, algorithms: ['RS256'] });
    expect(payload).toMatchObject({
      sub: username,
      client_id: provider.clientId,
      token_use: 'access',
      'cognito:groups': [username],
      email: `${username}@example.org`,
    });
    expect(Date.parse(tokens.expiresAt)).toBeGreaterThan(before + 3_590_000);
  },
);

it('nobody else can log in', async () => {
  await using provider = await startProvider();
  await expect(logIn({ ...provider, username: 'mallory' })).rejects.toMatchObject({ code: 'unknown-person' });
});

it('a refresh token gets new access tokens until it is revoked', async () => {
  await using provider = await startProvider();
  const { refreshToken } = await logIn({ ...provider, username: 'operator' });
  const configuration = await discover(provider);
  const first = await oidc.refreshTokenGrant(configuration, refreshToken);
  expect(decodeJwt(first.access_token)).toMatchObject({ sub: 'operator', 'cognito:groups': ['operator'] });
  // It stays the same, so that commands that run at the same time can share it.
  await oidc.refreshTokenGrant(configuration, refreshToken);
  await oidc.tokenRevocation(configuration, refreshToken);
  await expect(oidc.refreshTokenGrant(configuration, refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' });
});

it('a refresh token does not end with the session of the browser', async () => {
  await using provider = await startProvider();
  const { refreshToken } = await logIn({ ...provider, username: 'operator' });
  const database = new DatabaseSync(join(provider.folder, 'identity.sqlite'));
  expect(database.prepare("DELETE FROM entries WHERE model = 'Session'").run().changes).toBe(1);
  database.close();
  await oidc.refreshTokenGrant(await discover(provider), refreshToken);
});

it('keys and refresh tokens survive a restart, and only the owner may read them', async () => {
  await using before = await startProvider();
  const { accessToken, refreshToken } = await logIn({ ...before, username: 'viewer' });
  await before.stop();
  const after = await startProvider({ folder: before.folder, port: before.port });
  try {
    expect(after.issuer).toBe(before.issuer);
    const configuration = await discover(after);
    const keys = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri ?? ''));
    await jwtVerify(accessToken, keys, { issuer: after.issuer });
    const refreshed = await oidc.refreshTokenGrant(configuration, refreshToken);
    expect(decodeProtectedHeader(refreshed.access_token).kid).toBe(decodeProtectedHeader(accessToken).kid);
    expect((await stat(join(after.folder, 'secrets.json'))).mode & 0o077).toBe(0);
  } finally {
    await after.stop();
  }
});

/** An authorization request that lacks something; what it is answered with. */
async function authorize(provider: TestProvider, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const configuration = await discover(provider);
  const url = new URL(configuration.serverMetadata().authorization_endpoint ?? '');
  const usual = {
    client_id: provider.clientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: loginRedirect(8976),
  };
  url.search = new URLSearchParams({ ...usual, ...parameters }).toString();
  return fetch(url, { redirect: 'manual' });
}

const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' };

it('no code is given without PKCE', async () => {
  await using provider = await startProvider();
  const { searchParams } = new URL((await authorize(provider, {})).headers.get('location') ?? '');
  expect(searchParams.get('error')).toBe('invalid_request');
  expect(searchParams.get('error_description')).toMatch(/PKCE/);
});

it.each(['http://localhost:9999/callback', 'http://127.0.0.1:8976/callback', 'http://localhost:8976/other'])(
  'no code goes to %s',
  async (redirect) => {
    await using provider = await startProvider();
    const response = await authorize(provider, { ...challenge, redirect_uri: redirect });
    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBeNull();
  },
);

/** The login page of a new authorization request, with the cookies that go with it. */
async function openPage(provider: TestProvider) {
  const response = await authorize(provider, challenge);
  const url = new URL(response.headers.get('location') ?? '', provider.issuer);
  const cookie = response.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  return { url, cookie };
}

it('the login page shows the people and runs nothing', async () => {
  await using provider = await startProvider();
  const { url, cookie } = await openPage(provider);
  const page = await fetch(url, { headers: { cookie } });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+=*';/);
  const html = await page.text();
  for (const { name, group } of people) expect(html).toContain(`>${name}<span>${group}, `);
  expect(html).not.toMatch(/<script|javascript:|\son\w+=/i);
});

it('the login page takes a name that nobody has as a name, and not as a part of the page', async () => {
  await using provider = await startProvider();
  const { url, cookie } = await openPage(provider);
  const body = new URLSearchParams({ username: '<img src=x>' });
  const page = await fetch(url, { method: 'POST', headers: { cookie }, body, redirect: 'manual' });
  expect(page.status).toBe(400);
  expect(await page.text()).toContain('Nobody here is called &lt;img src=x&gt;.');
});

it('the login page tells programs which names there are', async () => {
  await using provider = await startProvider();
  const { url, cookie } = await openPage(provider);
  const page = await fetch(url, { headers: { cookie, accept: 'application/json' } });
  expect(page.headers.get('content-type')).toBe('application/json');
  expect(await page.json()).toEqual({ usernames: people.map(({ username }) => username) });
});

it('a login page without its cookies, or one that is over, says so', async () => {
  await using provider = await startProvider();
  const { url } = await openPage(provider);
  const page = await fetch(url);
  expect(page.status).toBe(400);
  expect(await page.text()).toMatch(/begin again/);
});

it('whoever names one of the people beforehand is not asked', async () => {
  await using provider = await startProvider();
  const response = await authorize(provider, { ...challenge, login_hint: 'viewer' });
  const cookie = response.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const url = new URL(response.headers.get('location') ?? '', provider.issuer);
  const next = await fetch(url, { headers: { cookie }, redirect: 'manual' });
  expect(next.status).toBe(303);
});

/** A browser with a memory, which runs the one script there is: that which sends a form by itself. */
function openBrowser(provider: TestProvider) {
  const cookies = new Map<string, string>();
  const ask = async (url: URL, body?: URLSearchParams): Promise<Response> => {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(url, { redirect: 'manual', headers, ...(body && { method: 'POST', body }) });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  /** @returns the texts of the login page, and whom the code is for */
  return async (username: string) => {
    const configuration = await discover(provider);
    const verifier = oidc.randomPKCECodeVerifier();
    let url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: loginRedirect(8976),
      scope: 'openid',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    let body: URLSearchParams | undefined;
    let page = '';
    while (!url.href.startsWith(loginRedirect(8976))) {
      const response = await ask(url, body);
      body = undefined;
      const location = response.headers.get('location');
      const html = await response.text();
      if (location !== null) url = new URL(location, url);
      else if (html.includes('Who are you?')) {
        page = html;
        body = new URLSearchParams({ username });
      } else {
        url = new URL(/action="([^"]+)"/.exec(html)?.[1] ?? '');
        body = new URLSearchParams();
        for (const [, name = '', value = ''] of html.matchAll(/name="(\w+)" value="([^"]*)"/g))
          body.append(name, value);
      }
    }
    const tokens = await oidc.authorizationCodeGrant(configuration, url, { pkceCodeVerifier: verifier });
    return { page, subject: decodeJwt(tokens.access_token).sub };
  };
}

it('one is asked again in the same browser, told who one is, and can be somebody else', async () => {
  await using provider = await startProvider();
  const browse = openBrowser(provider);
  const first = await browse('viewer');
  expect(first.page).not.toContain('This browser is');
  const second = await browse('operator');
  expect(second.page).toContain('This browser is Vera Viewer (viewer).');
  expect([first.subject, second.subject]).toEqual(['viewer', 'operator']);
});

it('answers nothing outside of the pool', async () => {
  await using provider = await startProvider();
  expect((await fetch(new URL('/.well-known/openid-configuration', provider.issuer))).status).toBe(404);
});
