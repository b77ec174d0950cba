import { gzipSync } from 'node:zlib';
import { type ProofRequest, proofOf } from './host-proof.ts';

/** How a request is made, and what is different from a good one. */
export interface SignedRequest extends ProofRequest {
  /** JSON, or the very bytes. */
  readonly body: unknown;
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
