import * as oidc from 'openid-client';
import type { LoginTokens } from '#shared/contract/login.ts';
import { CliError } from './cli-error.ts';

const timeoutSeconds = 30;

/** How an OpenID provider is spoken to, found out by its discovery document. */
export type OpenId = oidc.Configuration;

/**
 * @param clientId a public client: it has no secret
 * @throws CliError `unreachable`
 */
export async function discoverOpenId(issuer: string, clientId: string): Promise<OpenId> {
  const url = new URL(issuer);
  try {
    return await oidc.discovery(url, clientId, undefined, oidc.None(), {
      timeout: timeoutSeconds,
      // Plain HTTP is for the provider of "npm start" on this machine alone.
      ...(isLoopback(url) && { execute: [oidc.allowInsecureRequests] }),
    });
  } catch (cause) {
    throw new CliError('unreachable', `the OpenID provider ${issuer} cannot be asked: ${openIdFault(cause)}`, {
      cause,
    });
  }
}

export const isLoopback = ({ hostname }: URL): boolean => /^(127\.[\d.]+|localhost|\[::1\])$/.test(hostname);

/** What the provider said, or what kept it from saying anything. */
export function openIdFault(error: unknown): string {
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.AuthorizationResponseError)
    return error.error_description ?? error.error;
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? openIdFault(error.cause) : error.message;
}

/** @param before tokens that these take the place of: a provider may leave out a refresh token that stays good */
export function tokensOf(answer: oidc.TokenEndpointResponse, now: Date, before?: LoginTokens): LoginTokens {
  const refreshToken = answer.refresh_token ?? before?.refreshToken;
  // Without a time a token is asked for anew when it is refused.
  const seconds = answer.expires_in ?? 3600;
  return {
    accessToken: answer.access_token,
    ...(refreshToken !== undefined && { refreshToken }),
    expiresAt: new Date(now.getTime() + seconds * 1000).toISOString(),
  };
}
