import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { list, statementsOf } from '../testing/statements.ts';
import { type Synthesized, synthesize } from '../testing/synth.ts';

const url = 'http://proxy.example:3128';
const secretArn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:proxy-a1B2c3';

describe('a proxy', () => {
  let synthesized: Synthesized;
  beforeAll(() => {
    const noProxy = ['.windowsupdate.com', 'localhost'];
    synthesized = synthesize({ outboundProxy: { url, secretArn, noProxy, caPem: 'a certificate' } });
  });
  afterAll(() => synthesized.remove());

  test('is for the two functions that talk to Microsoft, and so is its secret', () => {
    const withProxy = synthesized
      .ofType('AWS::Lambda::Function')
      .filter(({ properties }) => JSON.stringify(properties).includes('OUTBOUND_'));
    expect(withProxy.map(({ id }) => id.replace(/Function.*/, '')).toSorted()).toEqual(['FetchPayload', 'SyncIndex']);
    for (const { properties } of withProxy)
      expect(properties).toMatchObject({
        Environment: {
          Variables: {
            OUTBOUND_PROXY_URL: url,
            OUTBOUND_PROXY_SECRET_ARN: secretArn,
            OUTBOUND_NO_PROXY: '.windowsupdate.com,localhost',
            OUTBOUND_PROXY_CA: 'a certificate',
          },
        },
      });
    const readers = synthesized
      .ofType('AWS::IAM::Policy')
      .filter((policy) => statementsOf(policy).some((one) => list(one.Resource).includes(secretArn)));
    expect(readers.map(({ id }) => id.replace(/RoleDefaultPolicy.*/, '')).toSorted()).toEqual([
      'FetchPayload',
      'SyncIndex',
    ]);
    for (const policy of readers) {
      const reading = statementsOf(policy).filter((one) => list(one.Action).includes('secretsmanager:GetSecretValue'));
      expect(reading.map(({ Action, Resource }) => ({ Action, Resource }))).toEqual([
        { Action: 'secretsmanager:GetSecretValue', Resource: secretArn },
      ]);
    }
  });
});

test.each([
  ['credentials in its address', { url: 'http://ada:s3cret@proxy.example' }, /url is not .*belong in a secret/],
  ['another scheme', { url: 'socks5://proxy.example:1080' }, /url is not http:/],
  ['the name of a secret', { url, secretArn: 'kbroker/proxy' }, /secretArn is kbroker\/proxy; allowed is the complete/],
  ['a pattern of secrets', { url, secretArn: `${secretArn.slice(0, -6)}??????` }, /allowed is the complete ARN/],
  ['exceptions with a port', { url, noProxy: ['example.org:8080'] }, /noProxy is \["example.org:8080"\]; allowed/],
  ['a star among exceptions', { url, noProxy: ['*', 'example.org'] }, /or \* alone/],
  ['too many certificates', { url, caPem: 'x'.repeat(2_500) }, /caPem has 2502 bytes; allowed are 2500/],
])('%s is refused at the synthesis', (_what, outboundProxy, why) => {
  expect(() => synthesize({ outboundProxy }).remove()).toThrow(why);
  expect(() => synthesize({ outboundProxy }).remove()).not.toThrow(/s3cret/);
});

test('certificates of the proxy and roots of indexes share what Lambda allows', () => {
  const props = { indexRoots: 'r'.repeat(1_000), outboundProxy: { url, caPem: 'x'.repeat(2_100) } };
  expect(() => synthesize(props).remove()).toThrow(
    /indexRoots and outboundProxy.caPem have 3104 bytes; allowed are 3000/,
  );
});
