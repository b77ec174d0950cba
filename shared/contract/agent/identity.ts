import * as z from 'zod/mini';
import { machineId } from '../primitives.ts';

/** Coordinates of a point on P-256: 32 bytes, base64url without padding. */
const coordinate = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** Public key of a host (RFC 7517, section 4; RFC 7518, section 6.2.1). */
export const hostPublicKey = z.strictObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
});
export type HostPublicKey = z.infer<typeof hostPublicKey>;

/** SHA-256 thumbprint of a key (RFC 7638), base64url. */
export const keyThumbprint = coordinate;

/** Name of a group of hosts. */
export const groupName = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));

/** `typ` of the header of a proof: no other token can be taken for one. */
export const proofType = 'kbroker-request+jwt';
/** ECDSA on P-256 with SHA-256; no other algorithm is accepted. */
export const proofAlgorithm = 'ES256';
/** A proof lives so long, and clocks may differ by as much. Seconds. */
export const proofLifeSeconds = 300;
/** `aud` of the proof of an enrolment: how the broker names itself is only told in the answer to it. */
export const enrolmentAudience = 'urn:kbroker:enrolment';

/**
 * Claims of the JWT that each request of a host carries in `Authorization: Bearer`, signed with the host's key. What they
 * say of the request is compared with the request.
 */
export const proofClaims = z.object({
  /** Thumbprint of the key. */
  iss: keyThumbprint,
  /** The machine that the agent runs on, asked anew at each start: a copied disk image shows itself by it. */
  sub: machineId,
  /** The broker, as it named itself at enrolment; {@link enrolmentAudience} before that. */
  aud: z.string(),
  /** When it was made, and when it ends: at most {@link proofLifeSeconds} later. Seconds since 1970. */
  iat: z.number(),
  exp: z.number(),
  /** Greater than in any request before: one that is sent twice is refused. */
  seq: z.int().check(z.positive()),
  htm: z.string(),
  /** Path, without host and query. */
  htp: z.string(),
  /** SHA-256 of the body as sent (compressed), base64url; of no bytes when there is none. */
  bh: coordinate,
});
export type ProofClaims = z.infer<typeof proofClaims>;
