/** Requests made by hand: presigned addresses and aws-chunked bodies as other clients send them. */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { REGION, SECRETS } from './start.ts';

const ADMIN = { accessKeyId: 'ADMIN', secretAccessKey: SECRETS.ADMIN ?? '' };

function signer(): SignatureV4 {
  return new SignatureV4({ credentials: ADMIN, region: REGION, service: 's3', sha256: Sha256, uriEscapePath: false });
}

const addressOf = (url: string) => {
  const { hostname, port, host } = new URL(url);
  return { protocol: 'http:', hostname, port: Number(port), headers: { host } };
};

/** A presigned address, made at `signingDate` and good for so many seconds. */
export async function presign(
  url: string,
  path: string,
  options: { method?: string; expiresIn?: number; signingDate?: Date; query?: Record<string, string> } = {},
): Promise<string> {
  const address = addressOf(url);
  const signed = await signer().presign(
    {
      ...address,
      method: options.method ?? 'GET',
      path,
      query: options.query ?? {},
      headers: { ...address.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    },
    { expiresIn: options.expiresIn ?? 60, ...(options.signingDate ? { signingDate: options.signingDate } : {}) },
  );
  const query = Object.entries(signed.query ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  );
  return `${url}${path}?${query.join('&')}`;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends bytes as they are. */
export async function send(
  url: string,
  path: string,
  method: string,
  headers: Record<string, string>,
  body: string | Buffer,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}${path}`, { method, headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Headers of a signed PUT whose payload hash line says `payload`. */
export async function signedHeaders(
  url: string,
  path: string,
  payload: string,
  headers: Record<string, string> = {},
): Promise<Record<string, string>> {
  const address = addressOf(url);
  const signed = await signer().sign({
    ...address,
    method: 'PUT',
    path,
    headers: { ...address.headers, ...headers, 'x-amz-content-sha256': payload },
  });
  return signed.headers;
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** Chunks with their signatures, chained to the signature of the headers. */
export function signedChunks(
  headers: Record<string, string>,
  chunks: readonly string[],
  trailers: Record<string, string> = {},
): string {
  const authorization = headers.authorization ?? '';
  const [, scope = ''] = /Credential=[^/]+\/([^,]+)/.exec(authorization) ?? [];
  const [date = '', region = '', service = ''] = scope.split('/');
  let previous = /Signature=([0-9a-f]+)/.exec(authorization)?.[1] ?? '';
  const key = hmac(hmac(hmac(hmac(`AWS4${ADMIN.secretAccessKey}`, date), region), service), 'aws4_request');
  const sign = (kind: string, ...rest: string[]) => {
    previous = hmac(key, [kind, headers['x-amz-date'], scope, previous, ...rest].join('\n')).toString('hex');
    return previous;
  };
  let body = '';
  for (const chunk of [...chunks, '']) {
    const signature = sign('AWS4-HMAC-SHA256-PAYLOAD', sha256(''), sha256(chunk));
    body += `${chunk.length.toString(16)};chunk-signature=${signature}\r\n${chunk}`;
    // The last chunk's line end belongs to what follows.
    if (chunk !== '') body += '\r\n';
  }
  const names = Object.keys(trailers);
  for (const name of names) body += `${name}:${trailers[name]}\r\n`;
  if (names.length > 0) {
    const canonical = names.map((name) => `${name}:${trailers[name]}\n`).join('');
    body += `x-amz-trailer-signature:${sign('AWS4-HMAC-SHA256-TRAILER', sha256(canonical))}\r\n`;
  }
  return `${body}\r\n`;
}
