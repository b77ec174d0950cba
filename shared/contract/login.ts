/**
 * How the command line logs people in: by a code that their browser brings to a port of their own machine (RFC 8252).
 */
import * as z from 'zod/mini';
import { sha256, timestamp } from './primitives.ts';

/**
 * Ports that the command line listens on, the first that is free. Providers compare the whole address, so that the ports
 * are registered with the client.
 */
export const loginPorts = [8976, 8977, 8978] as const;

export const loginPath = '/callback';

/** With the name, because Cognito takes plain HTTP for `localhost` alone; the command line listens on 127.0.0.1. */
export const loginRedirect = (port: number): string => `http://localhost:${port}${loginPath}`;

export const loginRedirects: readonly string[] = loginPorts.map(loginRedirect);

/** `openid` is needed for the flow; the others let the provider tell the person's name. */
export const loginScopes = ['openid', 'email', 'profile'] as const;

/** What a login brought. */
const loginTokens = z.object({
  accessToken: z.string().check(z.minLength(1)),
  /** Gets new access tokens; absent when the provider gives none. */
  refreshToken: z.optional(z.string()),
  /** End of the access token. */
  expiresAt: timestamp,
});
export type LoginTokens = z.infer<typeof loginTokens>;

/** A file of the command line, for one API: how people log in there, and who is. Written by `npm start`, too. */
export const operatorProfile = z.object({
  version: z.literal(2),
  apiUrl: z.url(),
  issuer: z.url(),
  clientId: z.string().check(z.minLength(1)),
  /** Absent while nobody is logged in. */
  tokens: z.optional(loginTokens),
});
export type OperatorProfile = z.infer<typeof operatorProfile>;

/** Beside a profile, in {@link trustFolderOf}: what the command line believes of the repository, whatever the API says. */
export const trustPin = z.object({
  version: z.literal(1),
  /** Of the root that everything begins with; enrolment tokens carry it. */
  rootSha256: sha256,
  /** Key that signs when no other is named: a path, or `kms:…`. */
  key: z.optional(z.string()),
  /** The newest versions that were proved here; nothing older is believed. */
  seen: z.optional(z.object({ root: z.int(), targets: z.int(), rules: z.int(), custom: z.int(), agent: z.int() })),
});
export type TrustPin = z.infer<typeof trustPin>;

/** Folder of a profile's pinned root and key: `operator.trust` beside `operator.json`. */
export const trustFolderOf = (profileFile: string): string => `${profileFile.replace(/\.json$/, '')}.trust`;
