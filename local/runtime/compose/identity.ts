/** The user pools of the template, each an OpenID provider on a port of its own. */
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import * as identity from '#local/assembly/resources/identity.ts';
import type { Resource } from '#local/assembly/stack-model.ts';
import { createIdentityProvider, type IdentityClient } from '#local/identity/provider.ts';
import { readOrMakeSecrets } from '#local/identity/secrets.ts';
import { openIdentityStore } from '#local/identity/store.ts';
import { listen } from '../services.ts';
import type { StackContext } from './context.ts';

type ClientResource = Resource<(typeof identity.userPoolClient)['schema']['_zod']['output']>;

/** Starts the pools. They need no function, but functions have their addresses in their environment. */
export async function startUserPools(context: StackContext): Promise<void> {
  const { model, addresses, ports, cleanup } = context;
  for (const { logicalId, ref: poolId, attributes } of model.of(identity.userPool)) {
    const folder = join(context.dataDir, 'identity', poolId);
    await mkdir(folder, { recursive: true });
    const secrets = await readOrMakeSecrets(join(folder, 'secrets.json'));
    const store = openIdentityStore(join(folder, 'identity.sqlite'), Date.now);
    cleanup.defer(() => store.close());
    // The issuer has the port in its name, so that it is known only when the server listens.
    const server = createServer();
    const issuer = `${await listen(server, `identity ${logicalId}`, ports, cleanup)}/${poolId}`;
    const inPool = <P extends { readonly UserPoolId: string }>({ properties }: Resource<P>): boolean =>
      properties.UserPoolId === poolId;
    const provider = createIdentityProvider({
      issuer,
      clients: model.of(identity.userPoolClient).filter(inPool).map(clientOf),
      groups: model
        .of(identity.userPoolGroup)
        .filter(inPool)
        .map(({ ref }) => ref),
      store,
      secrets,
    });
    server.on('request', provider);
    addresses.add(attributes.ProviderURL ?? '', issuer);
    for (const { ref } of model.of(identity.userPoolDomain).filter(inPool)) {
      addresses.add(`https://${ref}.auth.${model.region}.amazoncognito.com`, issuer);
    }
  }
}

const secondsIn = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const;

function clientOf({ ref, properties }: ClientResource): IdentityClient {
  const { TokenValidityUnits: units } = properties;
  return {
    clientId: ref,
    redirects: properties.CallbackURLs,
    scopes: properties.AllowedOAuthScopes,
    accessTokenSeconds: properties.AccessTokenValidity * secondsIn[units.AccessToken],
    idTokenSeconds: properties.IdTokenValidity * secondsIn[units.IdToken],
    refreshTokenSeconds: properties.RefreshTokenValidity * secondsIn[units.RefreshToken],
  };
}
