import { RemovalPolicy } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statementsOf } from '../testing/statements.ts';
import { type Resource, type Synthesized, synthesize } from '../testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const ofType = (...types: string[]): readonly Resource[] => synthesized.ofType(...types);

describe('state', () => {
  const stateful = [
    'AWS::DynamoDB::Table',
    'AWS::S3::Bucket',
    'AWS::SQS::Queue',
    'AWS::SecretsManager::Secret',
    'AWS::KMS::Key',
  ] as const;

  test('stays when it leaves the stack', () => {
    const kept = ofType(...stateful).map((resource) => [
      resource.id,
      resource.deletionPolicy,
      resource.updateReplacePolicy,
    ]);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.filter(([, deletion, replacement]) => deletion !== 'Retain' || replacement !== 'Retain')).toEqual([]);
  });

  test('can be given up, for a trial', () => {
    const trial = synthesize({ stateRemoval: RemovalPolicy.DESTROY });
    try {
      expect(new Set(trial.ofType(...stateful).map((resource) => resource.deletionPolicy))).toEqual(
        new Set(['Delete']),
      );
      for (const table of trial.ofType('AWS::DynamoDB::Table')) {
        expect(table.properties.DeletionProtectionEnabled).toBe(false);
      }
    } finally {
      trial.remove();
    }
  });

  test('in tables is encrypted, on demand, restorable and protected from deletion', () => {
    for (const { properties } of ofType('AWS::DynamoDB::Table')) {
      expect(properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        SSESpecification: { SSEEnabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      });
    }
  });

  test('in buckets is encrypted and never public, and unfinished work is dropped', () => {
    for (const { id, properties } of ofType('AWS::S3::Bucket')) {
      expect(properties).toMatchObject({
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      });
      const lifecycle = JSON.stringify(properties.LifecycleConfiguration);
      // A large payload may come in parts over days.
      const days = id.startsWith('PayloadsObjects') ? 7 : 1;
      expect(lifecycle).toContain(`"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":${days}}`);
      // Only staging and refused indexes may expire: nothing published or signed does, no anchor, and nothing of the snapshot
      // of the fleet.
      const allowed = id.startsWith('CatalogIndex')
        ? ['staging/', 'refused/']
        : id.startsWith('PayloadsObjects')
          ? ['staging/']
          : [];
      const expiring = [...lifecycle.matchAll(/"ExpirationInDays":\d+,"Id":"[^"]+","Prefix":"([^"]+)"/g)].map(
        ([, prefix]) => prefix,
      );
      expect(lifecycle.match(/"ExpirationInDays"/g) ?? []).toHaveLength(expiring.length);
      expect(expiring).toEqual(allowed);
      // Whoever deletes bytes must free them; signed files are small, and kept for whoever must put one back.
      if (properties.ObjectLockEnabled !== true && !id.startsWith('SignedFiles'))
        expect(properties).not.toHaveProperty('VersioningConfiguration');
    }
  });

  test('in the payload bucket moves to the class that costs less the longer nobody reads, and nothing else does', () => {
    const moving = ofType('AWS::S3::Bucket').flatMap(({ id, properties }) => {
      const rules =
        JSON.stringify(properties.LifecycleConfiguration).match(/\{[^{}]*"Transitions":\[[^\]]*\]\}/g) ?? [];
      return rules.map((rule) => [id.replace(/Bucket.*/, ''), JSON.parse(rule)]);
    });
    const Transitions = [{ StorageClass: 'INTELLIGENT_TIERING', TransitionInDays: 0 }];
    const rule = { Id: 'tier-payloads', Prefix: 'payloads/', Status: 'Enabled', Transitions };
    expect(moving).toEqual([['PayloadsObjects', rule]]);
  });

  test('in queues is encrypted', () => {
    for (const { properties } of ofType('AWS::SQS::Queue')) expect(properties.SqsManagedSseEnabled).toBe(true);
  });

  test('is reached by TLS only', () => {
    const policies = ofType('AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy');
    expect(policies).toHaveLength(ofType('AWS::S3::Bucket', 'AWS::SQS::Queue').length);
    for (const policy of policies) {
      const denied = statementsOf(policy).filter(
        (one) => one.Effect === 'Deny' && one.Condition?.Bool?.['aws:SecureTransport'] === 'false',
      );
      expect(denied, policy.id).toHaveLength(1);
    }
  });
});
