import * as z from 'zod/mini';

/**
 * Text of the secret with the outbound proxy's credentials. Without a version: Secrets Manager and those who rotate secrets
 * write this form, with fields of their own beside these.
 */
export const proxyCredentials = z.object({
  /** Basic authentication ends the name at the first colon (RFC 7617). */
  username: z.string().check(z.regex(/^[^:\r\n]+$/, 'must be a name without colons')),
  password: z.string(),
});
export type ProxyCredentials = z.infer<typeof proxyCredentials>;
