import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProvider, type TestProvider } from '#local/identity/testing/start.ts';
import { closeServer } from '#local/servers/http.ts';
import { loginPorts, operatorProfile } from '#shared/contract/login.ts';
import { exitCodes } from '../io.ts';
import { main } from '../main.ts';
import { openApi, type TestApi } from '../testing/api.ts';

let provider: TestProvider;
let api: TestApi;
let config: string;
beforeEach(async () => {
  provider = await startProvider();
  api = await openApi();
  api.answer = () => ({ body: { version: 1, subject: 'operator', name: 'Oscar Operator', role: 'operator' } });
  config = await mkdtemp(join(tmpdir(), 'kbroker-login-'));
});
afterEach(async () => {
  await api.close();
  await provider[Symbol.asyncDispose]();
  await rm(config, { recursive: true, force: true });
});

async function kbroker(args: readonly string[], openBrowser?: (url: string) => void, env: Record<string, string> = {}) {
  const printed = { stdout: '', stderr: '' };
  const exitCode = await main(['--api', api.url, ...args], {
    stdout: { write: (text: string) => (printed.stdout += text) },
    stderr: { write: (text: string) => (printed.stderr += text) },
    env: { XDG_CONFIG_HOME: config, ...env },
    ...(openBrowser && { openBrowser }),
  });
  return { exitCode, ...printed };
}
const first = (): string[] => ['--issuer', provider.issuer, '--client-id', provider.clientId];

async function stored() {
  const [name = ''] = await readdir(join(config, 'kbroker'));
  const file = join(config, 'kbroker', name);
  return { file, profile: operatorProfile.parse(JSON.parse(await readFile(file, 'utf8'))) };
}

/** What a browser does with the address: the page, its form, and back to this machine. Resolves to the last answer. */
async function browse(start: string, username: string, change: (url: URL) => URL = (url) => url): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  let body: URLSearchParams | undefined;
  for (;;) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const request = { method: body === undefined ? 'GET' : 'POST', headers, ...(body && { body }) };
    const response = await fetch(url, { ...request, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location !== null) {
      body = undefined;
      url = change(new URL(location, url));
    } else if (body === undefined && response.headers.get('content-type')?.startsWith('text/html')) {
      body = new URLSearchParams({ username });
    } else return response.text();
  }
}

describe('a login', () => {
  it('with a name that the provider believes is kept for its owner, and used from then on', async () => {
    const said = await kbroker(['login', '--as', 'operator', ...first()]);
    expect(said).toEqual({
      exitCode: exitCodes.ok,
      stdout: `logged in at ${api.url} as Oscar Operator (operator)\n`,
      stderr: '',
    });
    const { file, profile } = await stored();
    expect(profile).toMatchObject({ issuer: provider.issuer, clientId: provider.clientId });
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(api.tokens).toEqual([`Bearer ${profile.tokens?.accessToken}`]);
    api.answer = () => ({ body: { version: 1, groups: [], asOf: '2026-01-01T00:00:00.000Z', ageSeconds: 1 } });
    expect((await kbroker(['groups', 'list'])).exitCode).toBe(exitCodes.ok);
  });

  it('gives scripts an access token, and a new one when it ended', async () => {
    expect(await kbroker(['access-token'])).toMatchObject({ exitCode: exitCodes.unreachable, stdout: '' });
    await kbroker(['login', '--as', 'operator', ...first()]);
    const { file, profile } = await stored();
    const { tokens } = profile;
    expect(await kbroker(['access-token'])).toEqual({
      exitCode: exitCodes.ok,
      stdout: `${tokens?.accessToken}\n`,
      stderr: '',
    });
    await writeFile(file, JSON.stringify({ ...profile, tokens: { ...tokens, expiresAt: '2026-01-01T00:00:00.000Z' } }));
    const renewed = await kbroker(['access-token', '--json']);
    expect(JSON.parse(renewed.stdout)).toEqual({ version: 1, accessToken: expect.stringMatching(/^ey/) });
    expect(renewed.stdout).not.toContain(tokens?.accessToken);
  });

  it('needs the provider at first only', async () => {
    const { exitCode, stderr } = await kbroker(['login', '--as', 'operator']);
    expect(stderr).toMatch(/needs --issuer and --client-id: the outputs Issuer and ClientId of the stack/);
    expect(exitCode).toBe(exitCodes.usage);
    await kbroker(['login', '--as', 'operator', ...first()]);
    expect((await kbroker(['login', '--as', 'viewer', '--json'])).stdout).toMatch(/^\{"version":1,"subject"/);
  });

  it('goes through the browser, which comes back to this machine', async () => {
    let page: Promise<string> | undefined;
    const said = await kbroker(['login', ...first()], (url) => {
      page = browse(url, 'administrator');
    });
    expect(said.exitCode).toBe(exitCodes.ok);
    expect(said.stderr).toContain(`open this address in a browser on this machine:\n  ${provider.issuer}/auth?`);
    expect(await page).toBe('You are logged in to kbroker. This page can be closed.\n');
    const { profile } = await stored();
    const claims = Buffer.from(profile.tokens?.accessToken.split('.')[1] ?? '', 'base64url').toString('utf8');
    expect(JSON.parse(claims)).toMatchObject({ sub: 'administrator' });
  });

  it('takes the next port when one is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) =>
      taken.once('error', () => resolve()).listen(loginPorts[0], '127.0.0.1', resolve),
    );
    try {
      const urls: URL[] = [];
      const said = await kbroker(['login', ...first()], (url) => {
        urls.push(new URL(url));
        void browse(url, 'viewer');
      });
      expect(said.exitCode).toBe(exitCodes.ok);
      expect(urls[0]?.searchParams.get('redirect_uri')).toMatch(/^http:\/\/localhost:897[78]\/callback$/);
    } finally {
      await closeServer(taken, 100);
    }
  });

  it('is not ended by a browser that somebody else sent', async () => {
    const answers: Promise<string>[] = [];
    const said = await kbroker(['login', ...first()], (url) => {
      const redirect = new URL(url).searchParams.get('redirect_uri');
      const forged = fetch(`${redirect}?code=stolen&state=guessed`).then((response) => response.text());
      answers.push(forged);
      void forged.then(() => browse(url, 'viewer'));
    });
    expect(await answers[0]).toBe('This login was not begun here.\n');
    expect(said.exitCode).toBe(exitCodes.ok);
  });

  it('fails when the code is not the one of this login, and the page says so', async () => {
    let page: Promise<string> | undefined;
    const said = await kbroker(['login', ...first()], (url) => {
      page = browse(url, 'viewer', (next) => {
        if (next.searchParams.has('code')) next.searchParams.set('code', 'another');
        return next;
      });
    });
    expect(said.stderr).toMatch(/kbroker: the provider does not let us in: /);
    expect(said.exitCode).toBe(exitCodes.unreachable);
    expect(await page).toMatch(/^The login failed: /);
  });

  it('with a name that nobody has says what to do', async () => {
    const { exitCode, stderr } = await kbroker(['login', '--as', 'mallory', ...first()]);
    expect(stderr).toMatch(/does not let "mallory" in by name alone/);
    expect(stderr).toContain('with another name: viewer, operator, administrator\n');
    expect(exitCode).toBe(exitCodes.unreachable);
  });

  it('at a provider that does not answer names it', async () => {
    await provider.stop();
    const { exitCode, stderr } = await kbroker(['login', '--as', 'viewer', ...first()]);
    expect(stderr).toContain(`the OpenID provider ${provider.issuer} cannot be asked: `);
    expect(exitCode).toBe(exitCodes.unreachable);
  });
});

describe('a logout', () => {
  it('forgets and revokes the tokens, and keeps where to log in', async () => {
    await kbroker(['login', '--as', 'operator', ...first()]);
    const refreshToken = (await stored()).profile.tokens?.refreshToken ?? '';
    const revoked = () =>
      fetch(`${provider.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
          client_id: provider.clientId,
        }),
      });
    expect((await revoked()).status).toBe(200);
    expect((await kbroker(['logout'])).stdout).toBe(`logged out at ${api.url}\n`);
    expect((await revoked()).status).toBe(400);
    expect((await stored()).profile).toEqual({
      version: 2,
      apiUrl: `${api.url}/`,
      issuer: provider.issuer,
      clientId: provider.clientId,
    });
    const asked = await kbroker(['status']);
    expect(asked.stderr).toBe(`kbroker: nobody is logged in at ${api.url}: run "kbroker login"\n`);
    expect(asked.exitCode).toBe(exitCodes.unreachable);
    expect((await kbroker(['logout'])).stdout).toBe('nobody was logged in\n');
  });

  it('goes on when the provider is gone', async () => {
    await kbroker(['login', '--as', 'operator', ...first()]);
    await provider.stop();
    const { exitCode, stderr } = await kbroker(['logout']);
    expect(stderr).toMatch(/^the refresh token was forgotten, but not revoked: /);
    expect(exitCode).toBe(exitCodes.ok);
    expect((await stored()).profile.tokens).toBeUndefined();
  });
});

it('a script sends the token of its environment', async () => {
  api.answer = () => ({ body: { version: 1, groups: [], asOf: '2026-01-01T00:00:00.000Z', ageSeconds: 1 } });
  const said = await kbroker(['groups', 'list'], undefined, { KBROKER_TOKEN: 'from-a-script' });
  expect(said.exitCode).toBe(exitCodes.ok);
  expect(api.tokens).toEqual(['Bearer from-a-script']);
});
