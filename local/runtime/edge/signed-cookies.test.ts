import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type CloudfrontSignInput, getSignedCookies } from '@aws-sdk/cloudfront-signer';
import { describe, expect, it } from 'vitest';
import { prepareFixture } from '../fixture/start.ts';
import { refuseCookies } from './signed-cookies.ts';

// The signing side is AWS's own library: a stranger to what is tested.
const keyPair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const known = keyPair();
const unknown = keyPair();
const keys = new Map([['K1', createPublicKey(known.publicKey)]]);

const url = 'http://127.0.0.1:4000/payloads/sha256/abc';
const now = Date.parse('2026-07-14T12:00:00Z');
const at = (minutes: number): number => now / 1000 + minutes * 60;
const date = (minutes: number): string => new Date(now + minutes * 60_000).toISOString();

const headerOf = (cookies: object): string =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
const signed = (input: Partial<CloudfrontSignInput>): string =>
  headerOf(getSignedCookies({ keyPairId: 'K1', privateKey: known.privateKey, ...input } as CloudfrontSignInput));
const policyOf = (condition: object, resource: string | undefined = 'http://127.0.0.1:4000/*'): string =>
  JSON.stringify({ Statement: [{ Resource: resource, Condition: condition }] });
const until = (minutes: number) => ({ DateLessThan: { 'AWS:EpochTime': at(minutes) } });
const open = policyOf(until(5));

const codeOf = (cookie: string | undefined, more: { readonly url?: string; readonly address?: string } = {}) =>
  refuseCookies({ url, address: '127.0.0.1', cookie, ...more }, keys, now)?.code;

describe('cookies open the distribution', () => {
  it.each([
    ['with a policy, signed with SHA-1', signed({ policy: open })],
    ['with a policy, signed with SHA-256', signed({ policy: open, algorithm: 'SHA256' })],
    ['with a canned policy for this very address', signed({ url, dateLessThan: date(5) })],
    ['with a beginning in the past', signed({ url, dateLessThan: date(5), dateGreaterThan: date(-5) })],
    ['for the viewer’s network', signed({ url, dateLessThan: date(5), ipAddress: '127.0.0.0/8' })],
    ['for any scheme and any host', signed({ policy: policyOf(until(5), 'http*://*/payloads/*') })],
    [
      'for one character in the place of a question mark',
      signed({ policy: policyOf(until(5), `${url.slice(0, -1)}?`) }),
    ],
    ['for everything', signed({ policy: policyOf(until(5), undefined) })],
    ['beside other cookies', `a=b; ${signed({ policy: open })}; CloudFront-Key-Pair-Id=K2`],
  ])('%s', (_, cookie) => {
    expect(codeOf(cookie)).toBeUndefined();
  });

  it('for an address with a query when the policy covers it', () => {
    const asked = `${url}?versionId=1`;
    expect(codeOf(signed({ url: asked, dateLessThan: date(5) }), { url: asked })).toBeUndefined();
    expect(codeOf(signed({ url, dateLessThan: date(5) }), { url: asked })).toBe('AccessDenied');
  });
});

const good = signed({ policy: open });
const without = (name: string): string =>
  good
    .split('; ')
    .filter((pair) => !pair.startsWith(`${name}=`))
    .join('; ');
const altered = (name: string, change: (value: string) => string): string =>
  good.replace(new RegExp(`${name}=([^;]*)`), (_, value: string) => `${name}=${change(value)}`);
const otherPolicy = Buffer.from(policyOf(until(500)))
  .toString('base64')
  .replaceAll('+', '-')
  .replaceAll('=', '_')
  .replaceAll('/', '~');

describe('cookies do not', () => {
  it.each([
    ['when there are none', undefined, 'MissingKey'],
    ['without the id of a key', without('CloudFront-Key-Pair-Id'), 'MissingKey'],
    ['with the id of another key', altered('CloudFront-Key-Pair-Id', () => 'K2'), 'InvalidKey'],
    ['without policy and end', without('CloudFront-Policy'), 'MalformedPolicy'],
    ['with a policy in plain base64', altered('CloudFront-Policy', (value) => `${value}+=`), 'MalformedPolicy'],
    ['with a policy that is not JSON', altered('CloudFront-Policy', () => 'AAAA'), 'MalformedPolicy'],
    ['with a policy without an end', signed({ policy: policyOf({}) }), 'MalformedPolicy'],
    ['with a policy of two statements', signed({ policy: JSON.stringify({ Statement: [1, 2] }) }), 'MalformedPolicy'],
    ['without a signature', without('CloudFront-Signature'), 'AccessDenied'],
    ['with half a signature', altered('CloudFront-Signature', (value) => value.slice(0, 100)), 'AccessDenied'],
    ['with another policy than was signed', altered('CloudFront-Policy', () => otherPolicy), 'AccessDenied'],
    ['signed by another key', signed({ policy: open, privateKey: unknown.privateKey }), 'AccessDenied'],
    ['with another digest than was signed', `${good}; CloudFront-Hash-Algorithm=SHA256`, 'AccessDenied'],
    ['with a digest that there is not', `${good}; CloudFront-Hash-Algorithm=MD5`, 'AccessDenied'],
    ['after their end', signed({ policy: policyOf(until(-1)) }), 'AccessDenied'],
    ['at their end', signed({ policy: policyOf(until(0)) }), 'AccessDenied'],
    ['after the end of a canned policy', signed({ url, dateLessThan: date(-1) }), 'AccessDenied'],
    [
      'with a later end than was signed',
      signed({ url, dateLessThan: date(-1) }).replace(/Expires=\d+/, `Expires=${at(5)}`),
      'AccessDenied',
    ],
    ['before their beginning', signed({ url, dateLessThan: date(5), dateGreaterThan: date(1) }), 'AccessDenied'],
    ['from another network', signed({ url, dateLessThan: date(5), ipAddress: '192.0.2.0/24' }), 'AccessDenied'],
    ['for another prefix', signed({ policy: policyOf(until(5), 'http://127.0.0.1:4000/index/*') }), 'AccessDenied'],
    ['for another host', signed({ policy: policyOf(until(5), 'http://127.0.0.1:4001/*') }), 'AccessDenied'],
    [
      'for the name on AWS, which is another here',
      signed({ policy: policyOf(until(5), 'https://d1.cloudfront.net/*') }),
      'AccessDenied',
    ],
  ])('%s', (_, cookie, code) => {
    expect(codeOf(cookie)).toBe(code);
  });
});

it('a distribution with a key group asks for cookies where its behaviours say so, and answers as CloudFront does', async () => {
  const fixture = await prepareFixture();
  const assemblyDir = await fixture.edited((edited) => {
    const { Resources } = edited;
    Object.assign(Object(edited).Outputs, { KeyId: { Value: { Ref: 'Key' } } });
    const PublicKeyConfig = { CallerReference: 'x', Name: 'key', EncodedKey: known.publicKey };
    Resources.Key = { Type: 'AWS::CloudFront::PublicKey', Properties: { PublicKeyConfig } };
    const KeyGroupConfig = { Name: 'group', Items: [{ Ref: 'Key' }] };
    Resources.Group = { Type: 'AWS::CloudFront::KeyGroup', Properties: { KeyGroupConfig } };
    const distribution = Object.values(Resources).find(({ Type }) => Type === 'AWS::CloudFront::Distribution');
    const { CacheBehaviors } = Object(distribution?.Properties.DistributionConfig);
    CacheBehaviors[0].TrustedKeyGroups = [{ Ref: 'Group' }];
  });
  const stack = await fixture.start('cookies', { assemblyDir });
  try {
    const cdn = stack.output('CdnUrl');
    const s3 = new S3Client({
      endpoint: stack.endpoints.s3,
      region: stack.region,
      credentials: stack.administrator,
      forcePathStyle: true,
    });
    for (const Key of ['public/a.txt', 'b.txt'])
      await s3.send(new PutObjectCommand({ Bucket: stack.output('Bucket'), Key, Body: 'content' }));
    s3.destroy();

    const bare = await fetch(`${cdn}/public/a.txt`);
    expect(bare.status).toBe(403);
    expect(bare.headers.get('content-type')).toBe('text/xml');
    expect(bare.headers.get('x-cache')).toBe('Error from cloudfront');
    expect(await bare.text()).toContain(
      '<Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value',
    );
    expect((await fetch(`${cdn}/b.txt`)).status).toBe(200);

    const keyPairId = stack.output('KeyId');
    const dateLessThan = new Date(Date.now() + 60_000);
    const sign = (url: string): string =>
      headerOf(getSignedCookies({ keyPairId, privateKey: known.privateKey, url, dateLessThan }));
    const read = await fetch(`${cdn}/public/a.txt`, { headers: { cookie: sign(`${cdn}/public/a.txt`) } });
    expect([read.status, await read.text()]).toEqual([200, 'content']);
    const elsewhere = await fetch(`${cdn}/public/a.txt`, { headers: { cookie: sign(`${cdn}/public/b.txt`) } });
    expect([elsewhere.status, await elsewhere.text()]).toEqual([403, expect.stringContaining('AccessDenied')]);

    const stranger = await fetch(`${cdn}/public/a.txt`, { headers: { cookie: 'CloudFront-Key-Pair-Id=K2' } });
    expect(await stranger.text()).toContain('<Code>InvalidKey</Code><Message>Unknown Key</Message>');
  } finally {
    await stack.close();
    await fixture.remove();
  }
});
