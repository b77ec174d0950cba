import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod/mini';
import type { HttpResponse } from '#shared/lambda/http-event.ts';

/**
 * Answers of repeated requests as they are kept: only whoever has the idempotency key can read one. An answer may hold a
 * secret that is told once (a new enrolment token), and what is kept to repeat it must not tell it to others.
 *
 * Layout: 12 bytes nonce, 16 bytes tag of AES-256-GCM, then the encrypted gzip of the answer as JSON.
 */
const answer = z.object({
  version: z.literal(1),
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});

const nonceBytes = 12;
const tagBytes = 16;
/** A row of DynamoDB has 400 KB; and more than any answer unpacks to. */
export const maxSealedBytes = 350_000;
const maxAnswerBytes = 16 * 1024 * 1024;

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** Name of a request in the store, which does not tell the idempotency key. */
export const requestIdOf = (scope: readonly string[], key: string): string =>
  createHash('sha256')
    .update(JSON.stringify(['id', ...scope, key]))
    .digest('hex');

const secretOf = (scope: readonly string[], key: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, JSON.stringify(scope), 'kbroker answer', 32));

/** @param scope who asks what: the same key in another scope gives another secret */
export async function sealAnswer(
  { statusCode, headers, body }: HttpResponse,
  scope: readonly string[],
  key: string,
): Promise<Uint8Array> {
  const plain = await zip(JSON.stringify({ version: 1, statusCode, headers, body }));
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', secretOf(scope, key), nonce);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
}

/** The inverse of {@link sealAnswer}. @throws Error when it was not sealed so, or changed since */
export async function openAnswer(sealed: Uint8Array, scope: readonly string[], key: string): Promise<HttpResponse> {
  const bytes = Buffer.from(sealed);
  const cipher = createDecipheriv('aes-256-gcm', secretOf(scope, key), bytes.subarray(0, nonceBytes));
  cipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  const plain = Buffer.concat([cipher.update(bytes.subarray(nonceBytes + tagBytes)), cipher.final()]);
  const unpacked = await unzip(plain, { maxOutputLength: maxAnswerBytes });
  const { version: _, ...response } = z.parse(answer, JSON.parse(unpacked.toString()));
  return response;
}
