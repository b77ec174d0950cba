import * as z from 'zod/mini';

/** A public RSA key, PEM (SubjectPublicKeyInfo) with the line end that CloudFront wants behind it. */
const publicKeyPem = z
  .string()
  .check(
    z.regex(
      /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n$/,
      'must be a public key in PEM',
    ),
  );

const secretArn = z
  .string()
  .check(
    z.regex(
      /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/,
      'must be the ARN of a secret',
    ),
  );

/** Keys that the CDN trusts at a time: the one in use, and the one before. */
export const maxRepositoryKeys = 2;

/**
 * `kbroker.config.json`: what a deployment needs to know and CloudFormation cannot make. `kbroker setup` writes it, and
 * infra/app.ts reads it. Nothing in it is secret.
 */
export const deploymentConfig = z.object({
  version: z.literal(1),
  /** The key whose cookies open the repository. */
  repositoryKey: z.object({
    /** Secret whose text is the private half, PEM: current version the newest key, previous version the one before. */
    secretArn,
    /** The newest first: it is the one that signs. */
    publicKeys: z.array(publicKeyPem).check(z.minLength(1), z.maxLength(maxRepositoryKeys)),
  }),
});
export type DeploymentConfig = z.infer<typeof deploymentConfig>;
