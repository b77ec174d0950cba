import { getSignedCookies } from '@aws-sdk/cloudfront-signer';
import { inject } from 'vitest';
import type { World } from './world.ts';

/** Which part of the repository cookies open, and until when. */
export interface CookieWishes {
  /** @default `/*` */
  readonly path?: string;
  /** @default in an hour */
  readonly until?: Date;
}

/** Header `cookie` that opens the repository, signed with its key as the broker signs it for enrolled hosts. */
export function repositoryCookie(world: World, { path = '/*', until }: CookieWishes = {}): string {
  const [privateKey] = Object.values(inject('repositorySecrets'));
  if (privateKey === undefined) throw new Error('the stories have no key of the repository');
  const end = Math.floor((until?.getTime() ?? Date.now() + 3_600_000) / 1000);
  const policy = JSON.stringify({
    Statement: [
      {
        Resource: `${world.output('RepositoryUrl')}${path}`,
        Condition: { DateLessThan: { 'AWS:EpochTime': end } },
      },
    ],
  });
  const keyPairId = world.output('RepositoryKeyPairId');
  return Object.entries(getSignedCookies({ keyPairId, privateKey, policy, algorithm: 'SHA256' }))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}

/** What the CDN answers to whoever has these cookies; the usual ones by default, none with an empty text. */
export const fromRepository = (
  world: World,
  path: string,
  { cookie = repositoryCookie(world), ...headers }: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(new URL(path, world.output('RepositoryUrl')), { headers: { ...headers, ...(cookie !== '' && { cookie }) } });
