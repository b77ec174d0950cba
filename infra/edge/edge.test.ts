import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { publicPrefixes } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { newerTestKey, testDeployment } from '../testing/repository-key.ts';
import { lastJoined, list, statementsOf } from '../testing/statements.ts';
import { type Resource, type Synthesized, synthesize } from '../testing/synth.ts';
import { refuseWithoutAccess } from './api.ts';

const shortKey = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const ofType = (...types: string[]): readonly Resource[] => synthesized.ofType(...types);

describe('edge', () => {
  const routes = () =>
    new Map(ofType('AWS::ApiGatewayV2::Route').map(({ properties }) => [properties.RouteKey, properties]));

  test('has a route for each endpoint and no other, and leaves it to the functions whom to let in', () => {
    const endpoints = [...Object.values(agentEndpoints), ...Object.values(operatorEndpoints)];
    const expected = endpoints.map(({ method, path }) => [`${method} ${path}`, 'NONE']);
    const actual = [...routes()].map(([key, properties]) => [key, properties.AuthorizationType]);
    expect(actual.sort()).toEqual(expected.sort());
  });

  test.each([undefined, 'everybody', ''])('refuses an endpoint whose access is %j', (access) => {
    const endpoint = Object.assign({ ...operatorEndpoints.getStatus }, { access });
    expect(() => refuseWithoutAccess('getStatus', endpoint as Endpoint)).toThrow(
      /^getStatus \(GET \/v1\/status\) says of nobody .* allowed are host, enrolment-token, viewer/,
    );
  });

  test('sends agents and operators to different functions', () => {
    const integrations = new Map(
      ofType('AWS::ApiGatewayV2::Integration').map(({ id, properties }) => [
        id,
        JSON.stringify(properties.IntegrationUri),
      ]),
    );
    const targetOf = (key: string) => {
      const target = lastJoined(routes().get(key)?.Target);
      return integrations.get(z.object({ Ref: z.string() }).parse(target).Ref);
    };
    expect(targetOf('POST /v1/agent/reports')).toContain('ServeAgents');
    expect(targetOf('PUT /v1/rules')).toContain('ServeOperators');
  });

  test('limits and logs requests', () => {
    const [stage] = ofType('AWS::ApiGatewayV2::Stage');
    expect(stage?.properties.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 });
    expect(stage?.properties.AccessLogSettings).toBeDefined();
  });

  const distributionConfig = z.object({
    DistributionConfig: z.object({
      DefaultCacheBehavior: z.record(z.string(), z.unknown()),
      CacheBehaviors: z.array(z.record(z.string(), z.unknown())),
      Origins: z.array(z.record(z.string(), z.unknown())),
      ViewerCertificate: z.optional(z.record(z.string(), z.unknown())),
      Aliases: z.optional(z.array(z.string())),
    }),
  });

  test('serves the public prefixes over HTTPS, to readers only, and what moves briefly', () => {
    const [distribution] = ofType('AWS::CloudFront::Distribution');
    const config = distributionConfig.parse(distribution?.properties).DistributionConfig;
    expect(config.CacheBehaviors.map((behaviour) => behaviour.PathPattern)).toEqual([
      '/index/current.json',
      '/index/*',
      '/payloads/*',
      '/packages/*',
      '/metadata/timestamp.json',
      '/metadata/*',
      '/targets/*',
    ]);
    for (const behaviour of [config.DefaultCacheBehavior, ...config.CacheBehaviors]) {
      expect(behaviour).toMatchObject({
        ViewerProtocolPolicy: 'https-only',
        AllowedMethods: ['GET', 'HEAD'],
        Compress: false,
      });
      expect(behaviour.ResponseHeadersPolicyId).toBeDefined();
    }
    const ttl = new Map(
      ofType('AWS::CloudFront::CachePolicy').map(({ id, properties }) => [
        id,
        z.object({ MaxTTL: z.number() }).parse(properties.CachePolicyConfig).MaxTTL,
      ]),
    );
    const policyOf = (index: number) =>
      z.object({ Ref: z.string() }).parse(config.CacheBehaviors[index]?.CachePolicyId).Ref;
    const [brief, long] = [60, 31_536_000];
    const kept = config.CacheBehaviors.map((_, index) => ttl.get(policyOf(index)));
    expect(kept).toEqual([brief, long, long, long, brief, long, long]);
    for (const origin of config.Origins) expect(origin.OriginAccessControlId).toBeDefined();
  });

  test('opens no path without cookies that one of the keys signed', () => {
    const [distribution] = ofType('AWS::CloudFront::Distribution');
    const { DefaultCacheBehavior, CacheBehaviors } = distributionConfig.parse(
      distribution?.properties,
    ).DistributionConfig;
    const [group, ...others] = ofType('AWS::CloudFront::KeyGroup');
    expect(others).toEqual([]);
    for (const behaviour of [DefaultCacheBehavior, ...CacheBehaviors])
      expect(behaviour.TrustedKeyGroups).toEqual([{ Ref: group?.id }]);
    const keys = ofType('AWS::CloudFront::PublicKey');
    expect(group?.properties.KeyGroupConfig).toMatchObject({ Items: keys.map(({ id }) => ({ Ref: id })) });
    expect(keys.map(({ properties }) => properties.PublicKeyConfig)).toEqual([
      expect.objectContaining({ EncodedKey: testDeployment.repositoryKey.publicKeys[0] }),
    ]);
  });

  test('trusts the key before the newest too, under other names, and signs with the newest', () => {
    const { publicKeys, secretArn } = testDeployment.repositoryKey;
    const rotated = synthesize({ repositoryKey: { publicKeysPem: [newerTestKey, ...publicKeys], secretArn } });
    try {
      const before = ofType('AWS::CloudFront::PublicKey').map(({ id }) => id);
      const after = rotated.ofType('AWS::CloudFront::PublicKey');
      const newest = after.find(({ id }) => !before.includes(id));
      expect(after).toHaveLength(2);
      expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(before));
      expect(newest?.properties.PublicKeyConfig).toMatchObject({ EncodedKey: newerTestKey });
      expect(rotated.template.Outputs.RepositoryKeyPairId?.Value).toEqual({ Ref: newest?.id });
    } finally {
      rotated.remove();
    }
  });

  test.each([
    ['no key', [], /has 0 public keys; allowed are 1 to 2/],
    ['three keys', [newerTestKey, newerTestKey, newerTestKey], /has 3 public keys/],
    ['a short key', [shortKey], /RSA of 2048 bits/],
  ])('is not made with %s', (_, publicKeysPem, why) => {
    const { secretArn } = testDeployment.repositoryKey;
    expect(() => synthesize({ repositoryKey: { publicKeysPem, secretArn } })).toThrow(why);
  });

  test('lets CloudFront read exactly the public prefixes', () => {
    const readable = ofType('AWS::S3::BucketPolicy').flatMap((policy) =>
      statementsOf(policy)
        .filter((one) => one.Effect === 'Allow' && one.Action !== 's3:ListBucket')
        .flatMap((one) => {
          expect(one.Principal).toEqual({ Service: 'cloudfront.amazonaws.com' });
          expect(one.Action).toBe('s3:GetObject');
          expect(Object.keys(one.Condition?.StringEquals ?? {})).toEqual(['AWS:SourceArn']);
          return list(one.Resource).map(lastJoined);
        }),
    );
    expect(readable.sort()).toEqual(publicPrefixes.map((prefix) => `/${prefix}*`).toSorted());
  });

  test('refuses old TLS when the repository has a name of its own', () => {
    const named = synthesize({
      repositoryDomain: {
        name: 'updates.example.org',
        certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f0d1e2c',
      },
    });
    try {
      const [distribution] = named.ofType('AWS::CloudFront::Distribution');
      const config = distributionConfig.parse(distribution?.properties).DistributionConfig;
      expect(config.Aliases).toEqual(['updates.example.org']);
      expect(config.ViewerCertificate?.MinimumProtocolVersion).toBe('TLSv1.2_2021');
      expect(named.template.Outputs.RepositoryUrl?.Value).toBe('https://updates.example.org');
    } finally {
      named.remove();
    }
  });
});
