import { createHash, type webcrypto } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import {
  enrolmentAudience,
  type HostPublicKey,
  hostPublicKey,
  proofAlgorithm,
  proofLifeSeconds,
  proofType,
} from '#shared/contract/agent/identity.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';

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

/** How a request is made, and what is different from a good one. */
export interface SignedRequest {
  readonly endpoint: Pick<Endpoint, 'method' | 'path'>;
  /** JSON, or the very bytes. */
  readonly body: unknown;
  readonly key: TestKey;
  readonly machineId: string;
  readonly sequence: number;
  readonly now: Date;
  /** Absent at an enrolment. */
  readonly audience?: string | undefined;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Sent in place of what was signed. */
  readonly sentBody?: string | undefined;
  /** In place of the proof; `null` for none. */
  readonly authorization?: string | null | undefined;
  readonly gzip?: boolean;
}

/** A request as the HTTP API hands it to the function (payload format 2.0). */
export async function signedEvent(request: SignedRequest): Promise<Record<string, unknown>> {
  const { endpoint, gzip = false } = request;
  const plain = request.body instanceof Uint8Array ? request.body : Buffer.from(JSON.stringify(request.body));
  const body = gzip ? gzipSync(plain) : Buffer.from(plain);
  const authorization =
    request.authorization === undefined ? `Bearer ${await proofOf(request, body)}` : request.authorization;
  return {
    version: '2.0',
    rawPath: endpoint.path,
    rawQueryString: '',
    headers: {
      'content-type': 'application/json',
      ...(authorization !== null && { authorization }),
      ...(gzip && { 'content-encoding': 'gzip' }),
    },
    requestContext: {
      http: { method: endpoint.method, path: endpoint.path, sourceIp: '192.0.2.1', userAgent: 'tests' },
    },
    body: request.sentBody ?? body.toString('base64'),
    isBase64Encoded: request.sentBody === undefined,
  };
}

function proofOf(request: SignedRequest, body: Uint8Array): Promise<string> {
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
  // A claim may be of a type that it should not have.
  return new SignJWT(claims as JWTPayload)
    .setProtectedHeader({ alg: proofAlgorithm, typ: proofType, ...request.header })
    .sign(key.privateKey);
}
