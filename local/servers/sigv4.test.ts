import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SignedRequest } from './sigv4.ts';
import { sha256Hex, verifySigV4 } from './sigv4.ts';
import { uriEncode } from './uri.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const KEY = 'AKIDEXAMPLE';
const now = new Date('2026-03-01T12:00:00Z');
const secretOf = (id: string) => (id === KEY ? SECRET : undefined);
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

function signer(service: string): SignatureV4 {
  return new SignatureV4({
    credentials: { accessKeyId: KEY, secretAccessKey: SECRET },
    region: 'eu-west-1',
    service,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
}

interface Draft {
  readonly service: string;
  readonly path: string;
  readonly query?: Record<string, string>;
  readonly body?: string;
}

const wireQuery = (query: Record<string, string>) =>
  Object.entries(query)
    .map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
    .join('&');

async function signed(draft: Draft): Promise<{ request: SignedRequest; payloadHash: string }> {
  const body = draft.body ?? '';
  const out = await signer(draft.service).sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: '127.0.0.1',
      port: 4566,
      path: draft.path,
      query: draft.query ?? {},
      headers: { host: '127.0.0.1:4566', 'x-amz-meta-note': '  two   spaces ' },
      body,
    },
    { signingDate: now },
  );
  return {
    request: { method: out.method, path: out.path, query: wireQuery(draft.query ?? {}), headers: out.headers },
    payloadHash: sha256Hex(body),
  };
}

async function presigned(path: string, expiresIn: number): Promise<SignedRequest> {
  const out = await signer('s3').presign(
    {
      method: 'GET',
      protocol: 'http:',
      hostname: '127.0.0.1',
      path,
      query: {},
      // The S3 presigner sets it too; it moves into the query.
      headers: { host: '127.0.0.1', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    },
    { signingDate: now, expiresIn },
  );
  const query: Record<string, string> = {};
  for (const [name, value] of Object.entries(out.query ?? {})) if (typeof value === 'string') query[name] = value;
  return { method: 'GET', path, query: wireQuery(query), headers: { host: '127.0.0.1' } };
}

const verify = (request: SignedRequest, hash: string, service: string, at = now) =>
  verifySigV4(request, hash, secretOf, { region: 'eu-west-1', service, now: at });

describe('verifySigV4 with the Authorization header', () => {
  it("accepts AWS's published example (GET with iam:ListUsers)", () => {
    // "Create a signed AWS API request", IAM User Guide: the worked example of Signature Version 4.
    const request: SignedRequest = {
      method: 'GET',
      path: '/',
      query: 'Action=ListUsers&Version=2010-05-08',
      headers: {
        host: 'iam.amazonaws.com',
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'x-amz-date': '20150830T123600Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
          'SignedHeaders=content-type;host;x-amz-date, ' +
          'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
      },
    };
    const scope = { region: 'us-east-1', service: 'iam', now: new Date('2015-08-30T12:36:10Z') };
    expect(verifySigV4(request, sha256Hex(''), secretOf, scope)).toMatchObject({ ok: true, accessKeyId: KEY });
  });

  it.each([
    { service: 's3', path: '/bucket/a%20b/%C3%A9%2B%21%27%28%29%2A//..' },
    { service: 'execute-api', path: '/v1/hosts/a%20b%2Fc', query: { b: '2 2', a: '', 'a-b': '+&=' } },
    { service: 'dynamodb', path: '/', body: '{"TableName":"t"}' },
  ])("accepts the SDK's signature for $service $path", async (draft) => {
    const { request, payloadHash } = await signed(draft);
    expect(verify(request, payloadHash, draft.service)).toMatchObject({ ok: true, accessKeyId: KEY, presigned: false });
  });

  it('accepts any path and query that the SDK signs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.dictionary(fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }), fc.string({ unit: 'binary' })),
        fc.constantFrom('s3', 'execute-api'),
        async (text, query, service) => {
          const path = `/${text.split('/').map(uriEncode).join('/')}`;
          const { request, payloadHash } = await signed({ service, path, query });
          expect(verify(request, payloadHash, service)).toMatchObject({ ok: true });
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each<[string, (request: SignedRequest) => SignedRequest]>([
    ['method', (r) => ({ ...r, method: 'PUT' })],
    ['path', (r) => ({ ...r, path: '/other' })],
    ['query', (r) => ({ ...r, query: 'x=1' })],
    ['signed header', (r) => ({ ...r, headers: { ...r.headers, 'x-amz-meta-note': 'other' } })],
  ])('refuses a changed %s', async (_what, change) => {
    const { request, payloadHash } = await signed({ service: 's3', path: '/bucket/key' });
    expect(verify(change(request), payloadHash, 's3')).toMatchObject({ ok: false, reason: 'mismatch' });
  });

  it('refuses another body', async () => {
    const { request } = await signed({ service: 'dynamodb', path: '/', body: 'a' });
    expect(verify(request, sha256Hex('b'), 'dynamodb')).toMatchObject({ ok: false, reason: 'mismatch' });
  });

  it('refuses an x-amz- header that was added without being signed', async () => {
    const { request, payloadHash } = await signed({ service: 's3', path: '/bucket/key' });
    const added = { ...request, headers: { ...request.headers, 'x-amz-acl': 'public-read' } };
    expect(verify(added, payloadHash, 's3')).toMatchObject({ ok: false, reason: 'malformed' });
  });

  it('refuses an unknown key, another region and another service', async () => {
    const { request, payloadHash } = await signed({ service: 's3', path: '/' });
    const scope = { region: 'eu-west-1', service: 's3', now };
    expect(verifySigV4(request, payloadHash, () => undefined, scope)).toMatchObject({ reason: 'unknown-key' });
    expect(verifySigV4(request, payloadHash, secretOf, { ...scope, region: 'us-east-1' })).toMatchObject({
      reason: 'wrong-scope',
    });
    expect(verify(request, payloadHash, 'sqs')).toMatchObject({ reason: 'wrong-scope' });
  });

  it('allows five minutes between the clocks, in both directions, and no more', async () => {
    const { request, payloadHash } = await signed({ service: 's3', path: '/' });
    for (const seconds of [-300, 300])
      expect(verify(request, payloadHash, 's3', later(seconds))).toMatchObject({ ok: true });
    for (const seconds of [-301, 301]) {
      expect(verify(request, payloadHash, 's3', later(seconds))).toMatchObject({ ok: false, reason: 'skewed' });
    }
  });

  it('tells an anonymous request from a garbled one', () => {
    const request: SignedRequest = { method: 'GET', path: '/', query: '', headers: { host: 'h' } };
    expect(verify(request, '', 's3')).toMatchObject({ ok: false, reason: 'not-signed' });
    const garbled = { ...request, headers: { host: 'h', authorization: 'AWS4-HMAC-SHA256 Credential=a/b' } };
    expect(verify(garbled, '', 's3')).toMatchObject({ ok: false, reason: 'malformed' });
    const basic = { ...request, headers: { host: 'h', authorization: 'Basic abc' } };
    expect(verify(basic, '', 's3')).toMatchObject({ ok: false, reason: 'malformed' });
  });
});

describe('verifySigV4 with a presigned address', () => {
  it('accepts it until its time is over', async () => {
    const request = await presigned('/bucket/key%20one', 60);
    expect(verify(request, 'UNSIGNED-PAYLOAD', 's3', later(60))).toMatchObject({ ok: true, presigned: true });
    expect(verify(request, 'UNSIGNED-PAYLOAD', 's3', later(61))).toMatchObject({ ok: false, reason: 'expired' });
    expect(verify(request, 'UNSIGNED-PAYLOAD', 's3', later(-301))).toMatchObject({ ok: false, reason: 'skewed' });
  });

  it('catches tampering', async () => {
    const request = await presigned('/bucket/key', 60);
    const elsewhere = { ...request, path: '/bucket/other' };
    expect(verify(elsewhere, 'UNSIGNED-PAYLOAD', 's3')).toMatchObject({ ok: false, reason: 'mismatch' });
    const longer = { ...request, query: request.query.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000') };
    expect(verify(longer, 'UNSIGNED-PAYLOAD', 's3')).toMatchObject({ ok: false, reason: 'mismatch' });
    const forever = { ...request, query: request.query.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801') };
    expect(verify(forever, 'UNSIGNED-PAYLOAD', 's3')).toMatchObject({ ok: false, reason: 'malformed' });
  });
});
