/**
 * A Cognito user pool on this machine: a real OpenID provider whose people are made up. Tokens have the form that Cognito
 * gives them, as far as the broker and its command line read them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { interactionPolicy, Provider } from 'oidc-provider';
import { readBody } from '../servers/http.ts';
import { loginPage, loginPageHeaders } from './login-page.ts';
import { type Person, people, personOf } from './people.ts';
import type { IdentitySecrets } from './secrets.ts';
import type { IdentityStore } from './store.ts';

/** A public client that gets people's tokens by a code with PKCE. */
export interface IdentityClient {
  readonly clientId: string;
  /** Compared as a whole, as Cognito does. */
  readonly redirects: readonly string[];
  readonly scopes: readonly string[];
  readonly accessTokenSeconds: number;
  readonly idTokenSeconds: number;
  readonly refreshTokenSeconds: number;
}

export interface IdentityProviderOptions {
  /** Its own address, which its tokens name: `http://127.0.0.1:port/pool`. */
  readonly issuer: string;
  readonly clients: readonly IdentityClient[];
  /** Groups of the pool; of a person's group, tokens tell those that are there. */
  readonly groups: readonly string[];
  readonly store: IdentityStore;
  readonly secrets: IdentitySecrets;
}

/** What access tokens are for. The provider makes JWTs only for a resource that has a name. */
const resource = 'urn:kbroker:api';

const maxFormBytes = 4096;

/** Answers requests of an HTTP server on the issuer's address. */
export function createIdentityProvider(
  options: IdentityProviderOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const provider = makeProvider(options);
  const serve = provider.callback();
  const base = new URL(options.issuer).pathname;
  return (request, response) => {
    const { url = '/' } = request;
    if (!url.startsWith(`${base}/`)) {
      response.writeHead(404).end();
      return;
    }
    const path = url.slice(base.length);
    if (path.startsWith('/login/')) {
      void interact(provider, request, response).catch(() => {
        if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' });
        response.end('This login is over or was begun in another browser: begin again.\n');
      });
      return;
    }
    // The provider finds out by these two under which path it is.
    Object.assign(request, { originalUrl: url, url: path });
    void serve(request, response);
  };
}

function makeProvider({ issuer, clients, groups, store, secrets }: IdentityProviderOptions): Provider {
  const settingsOf = (clientId: string): IdentityClient | undefined =>
    clients.find((client) => client.clientId === clientId);
  const policy = interactionPolicy.base();
  // Who one is is asked at each login, so that one can be somebody else.
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check('choose', 'somebody must be chosen', ({ oidc }) => oidc.result?.login === undefined),
    );
  const base = new URL(issuer).pathname;
  return new Provider(issuer, {
    adapter: store.adapter,
    jwks: { keys: [secrets.key] },
    cookies: { keys: [secrets.cookieKey], short: { path: base }, long: { path: base } },
    clients: clients.map(({ clientId, redirects, scopes }) => ({
      client_id: clientId,
      redirect_uris: [...redirects],
      scope: scopes.join(' '),
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'RS256',
    })),
    scopes: ['openid', 'email', 'profile'],
    claims: {
      openid: ['sub', 'cognito:groups'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
    },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => {
      const person = personOf(id);
      if (person === undefined) return undefined;
      return { accountId: id, claims: () => ({ sub: id, ...profileOf(person, groups), email_verified: true }) };
    },
    // The clients are the owner's own: nobody is asked whether they may know who one is.
    loadExistingGrant: async ({ oidc }) => {
      const { client, session, provider } = oidc;
      const accountId = session?.accountId;
      if (client === undefined || accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId });
      const scope = settingsOf(client.clientId)?.scopes.join(' ') ?? '';
      grant.addOIDCScope(scope);
      grant.addResourceScope(resource, scope);
      await grant.save();
      return grant;
    },
    interactions: { policy, url: (_context, { uid }) => `${base}/login/${uid}` },
    features: {
      devInteractions: { enabled: false },
      // Public clients only: whoever has a token may end it.
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, _resource, client) => ({
          scope: settingsOf(client.clientId)?.scopes.join(' ') ?? '',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: settingsOf(client.clientId)?.accessTokenSeconds ?? 3600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: (_context, token) => {
      const person = 'accountId' in token ? personOf(String(token.accountId)) : undefined;
      if (person === undefined) return undefined;
      return { token_use: 'access', username: person.username, ...profileOf(person, groups) };
    },
    renderError: (context, { error, error_description: words }) => {
      context.type = 'text';
      context.body = `This login cannot go on: ${error}${words === undefined ? '' : `, ${words}`}\n`;
    },
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    // As Cognito does unless it is told otherwise: commands that run at the same time share one.
    rotateRefreshToken: false,
    ttl: {
      AccessToken: (_context, _token, client) => settingsOf(client.clientId)?.accessTokenSeconds ?? 3600,
      AuthorizationCode: 60,
      Grant: 90 * 24 * 3600,
      IdToken: (_context, _token, client) => settingsOf(client.clientId)?.idTokenSeconds ?? 3600,
      Interaction: 3600,
      RefreshToken: (_context, _token, client) => settingsOf(client.clientId)?.refreshTokenSeconds ?? 3600,
      Session: 24 * 3600,
    },
  });
}

const profileOf = ({ name, email, username, group }: Person, groups: readonly string[]) => ({
  name,
  email,
  preferred_username: username,
  'cognito:groups': groups.filter((one) => one === group),
});

/** The login page; with a `login_hint` that names one of the people, nobody is asked. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params, session } = await provider.interactionDetails(request, response);
  const hint = typeof params.login_hint === 'string' ? params.login_hint : undefined;
  const wanted = request.method === 'POST' ? await formField(request, 'username') : hint;
  const person = personOf(wanted);
  if (person !== undefined) {
    await provider.interactionFinished(request, response, { login: { accountId: person.username } });
    return;
  }
  // A program that was told a wrong name, `kbroker login --as`, can say which ones there are.
  if (request.headers.accept === 'application/json') {
    response.writeHead(wanted === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ usernames: people.map(({ username }) => username) }));
    return;
  }
  const current = personOf(session?.accountId);
  response.writeHead(wanted === undefined ? 200 : 400, loginPageHeaders);
  response.end(loginPage({ people, current, unknown: wanted }));
}

async function formField(request: IncomingMessage, name: string): Promise<string | undefined> {
  const body = await readBody(request, maxFormBytes);
  return new URLSearchParams(body?.toString('utf8') ?? '').get(name) ?? undefined;
}
