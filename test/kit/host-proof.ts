import { createHash, type webcrypto } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import {
  enrolmentAudience,
  type HostPublicKey,
  hostPublicKey,
  type ProofClaims,
  proofAlgorithm,
  proofLifeSeconds,
  proofType,
} from '#shared/contract/agent/identity.ts';

/** A key of a host that tests sign with. */
export interface TestKey {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: HostPublicKey;
  readonly thumbprint: string;
}

export async function newTestKey(): Promise<TestKey> {
  const { publicKey: verifying, privateKey } = await generateKeyPair(proofAlgorithm, { extractable: true });
  const { kty, crv, x, y } = await exportJWK(verifying);
  const publicKey = hostPublicKey.parse({ kty, crv, x, y });
  return { privateKey, publicKey, thumbprint: await calculateJwkThumbprint({ ...publicKey }) };
}

/** What a proof is about, and what is different from a good one. */
export interface ProofRequest {
  readonly endpoint: { readonly method: string; readonly path: string };
  readonly key: TestKey;
  readonly machineId: string;
  readonly sequence: number;
  /** @default that of an enrolment */
  readonly audience?: string | undefined;
  readonly now: Date;
  /** In place of the right ones; a claim may be of a type that it should not have. */
  readonly claims?: Readonly<Partial<Record<keyof ProofClaims, unknown>>> | undefined;
  /** Members of the protected header. */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  /** Signs in place of the key. */
  readonly signWith?: webcrypto.CryptoKey | Uint8Array | undefined;
}

/** The JWT that goes with a request. @param body as sent */
export function proofOf(request: ProofRequest, body: Uint8Array): Promise<string> {
  const { endpoint, key, machineId, sequence, now, audience = enrolmentAudience } = request;
  const iat = Math.floor(now.getTime() / 1000);
  const claims = {
    iss: key.thumbprint,
    sub: machineId,
    aud: audience,
    iat,
    exp: iat + proofLifeSeconds,
    seq: sequence,
    htm: endpoint.method,
    htp: endpoint.path,
    bh: createHash('sha256').update(body).digest('base64url'),
    ...request.claims,
  };
  return new SignJWT(claims as JWTPayload)
    .setProtectedHeader({ alg: proofAlgorithm, typ: proofType, ...request.header })
    .sign(request.signWith ?? key.privateKey);
}
