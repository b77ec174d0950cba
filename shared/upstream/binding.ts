import * as z from 'zod/mini';

/** Names that the construct of the outbound proxy and the functions behind it share. */
export const outboundProxyBinding = {
  env: {
    url: 'OUTBOUND_PROXY_URL',
    secret: 'OUTBOUND_PROXY_SECRET_ARN',
    noProxy: 'OUTBOUND_NO_PROXY',
    ca: 'OUTBOUND_PROXY_CA',
  },
} as const;

/** A host's name, with a leading dot or without; curl knows neither ports nor patterns here. */
const noProxyEntry = String.raw`\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?`;

export const outboundProxyEnv = z.object({
  /**
   * Proxy that Microsoft's hosts are reached through, `http://` or `https://`. Its credentials have a secret of their own.
   * @default - they are reached without one
   */
  OUTBOUND_PROXY_URL: z.optional(
    z.string().check(
      z.regex(
        /^https?:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?\/?$/,
        // The value is not repeated where it is refused: it may hold a password.
        'must be http:// or https://, a host and perhaps a port, without credentials and path',
      ),
    ),
  ),
  /** Secret with the proxy's credentials. @default - it asks for none */
  OUTBOUND_PROXY_SECRET_ARN: z.optional(z.string()),
  /** Hosts that are reached without it, as curl spells them: names, which stand for those below them too, or `*` alone. */
  OUTBOUND_NO_PROXY: z.optional(
    z
      .string()
      .check(
        z.regex(
          new RegExp(`^(\\*|${noProxyEntry}(,${noProxyEntry})*)$`),
          'must be names of hosts with commas between them, or * alone',
        ),
      ),
  ),
  /** Certificates, PEM, that the proxy's may lead to, and those that it shows in the place of Microsoft's. */
  OUTBOUND_PROXY_CA: z.optional(z.string()),
});
export type OutboundProxyEnv = z.infer<typeof outboundProxyEnv>;
