import * as z from 'zod/mini';

/** Names that the construct owning the key and the adapter signing with it share. */
export const cookiesBinding = {
  env: {
    url: 'REPOSITORY_URL',
    keyPairId: 'REPOSITORY_KEY_PAIR_ID',
    publicKeySha256: 'REPOSITORY_KEY_SHA256',
    secret: 'REPOSITORY_KEY_SECRET_ARN',
  },
} as const;

export const cookiesEnv = z.object({
  /** Of the repository, with its scheme and without a slash at the end. */
  REPOSITORY_URL: z.url(),
  /** CloudFront's id of the public key. */
  REPOSITORY_KEY_PAIR_ID: z.string(),
  /** SHA-256 (hex) of that key's DER (SubjectPublicKeyInfo): the private half must belong to it. */
  REPOSITORY_KEY_SHA256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** Secret with the private half. */
  REPOSITORY_KEY_SECRET_ARN: z.string(),
});
