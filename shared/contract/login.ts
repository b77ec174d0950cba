/**
 * How the command line logs people in: by a code that their browser brings to a port of their own machine (RFC 8252).
 */

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
