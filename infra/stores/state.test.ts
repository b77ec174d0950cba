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
      expect(lifecycle).toContain('"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}');
      // Only staging may expire: nothing published or signed does, no anchor, and nothing of the snapshot of the fleet.
      const staged =
        properties.ObjectLockEnabled !== true && !id.startsWith('FleetSnapshot') && !id.startsWith('SignedFiles');
      const expiring = [...lifecycle.matchAll(/"ExpirationInDays":\d+,"Id":"[^"]+","Prefix":"([^"]+)"/g)].map(
        ([, prefix]) => prefix,
      );
      expect(lifecycle.match(/"ExpirationInDays"/g) ?? []).toHaveLength(expiring.length);
      expect(expiring).toEqual(staged ? ['staging/'] : []);
    }
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
