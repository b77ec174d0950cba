import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { list, statementsOf } from '../testing/statements.ts';
import { type Resource, type Synthesized, synthesize } from '../testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const ofType = (...types: string[]): readonly Resource[] => synthesized.ofType(...types);
const auditTable = (): Resource => {
  const table = ofType('AWS::DynamoDB::Table').find(({ id }) => id.startsWith('AuditTable'));
  if (table === undefined) throw new Error('no audit table');
  return table;
};
const anchors = (of = synthesized): Resource => {
  const [bucket] = of.ofType('AWS::S3::Bucket').filter(({ properties }) => properties.ObjectLockEnabled === true);
  if (bucket === undefined) throw new Error('no bucket with object lock');
  return bucket;
};

describe('the audit log', () => {
  test('can be added to and read, and nothing else, by any role of the stack', () => {
    const granted = ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy').flatMap((policy) =>
      statementsOf(policy)
        .filter((one) => one.Effect === 'Allow' && JSON.stringify(one.Resource).includes(auditTable().id))
        .flatMap((one) => list(one.Action).map((action) => [policy.id.replace(/RoleDefaultPolicy.*/, ''), action])),
    );
    expect(new Set(granted.map(([, action]) => action))).toEqual(new Set(['dynamodb:PutItem', 'dynamodb:Query']));
    expect(new Set(granted.filter(([, action]) => action === 'dynamodb:PutItem').map(([who]) => who))).toEqual(
      new Set(['ServeAgents', 'ServeOperators']),
    );
  });

  test('is named by no statement without its name: no role may act on all tables', () => {
    const everywhere = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .filter((one) => list(one.Action).some((action) => /^(\*|dynamodb:)/.test(String(action))))
        .flatMap((one) => list(one.Resource).map((resource) => JSON.stringify(resource)))
        .filter((resource) => !resource.includes('Fn::GetAtt')),
    );
    expect(everywhere).toEqual([]);
  });

  test('refuses changes by its own policy, to everybody', () => {
    expect(auditTable().properties.ResourcePolicy).toEqual({
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Principal: '*',
            Resource: '*',
            Action: [
              'BatchWriteItem',
              'DeleteItem',
              'PartiQLDelete',
              'PartiQLInsert',
              'PartiQLUpdate',
              'UpdateItem',
            ].map((action) => `dynamodb:${action}`),
          },
        ],
      },
    });
  });
});

describe('anchors', () => {
  test('are locked for a year, by COMPLIANCE, in a bucket with versions', () => {
    expect(anchors().properties).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 365 } },
      },
    });
  });

  test('can be given up in a trial, and locked for longer', () => {
    const trial = synthesize({ stateRemoval: RemovalPolicy.DESTROY, auditRetention: Duration.days(3650) });
    try {
      expect(anchors(trial).properties).toMatchObject({
        ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 3650 } } },
      });
    } finally {
      trial.remove();
    }
  });

  test('are written once and never deleted, by whomever; one function writes, one reads', () => {
    const { id } = anchors();
    const policy = ofType('AWS::S3::BucketPolicy').find(({ properties }) =>
      JSON.stringify(properties.Bucket).includes(id),
    );
    if (policy === undefined) throw new Error('no policy');
    expect(statementsOf(policy)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Deny',
          Action: 's3:PutObject',
          Condition: { Null: { 's3:if-none-match': 'true' } },
        }),
        expect.objectContaining({
          Effect: 'Deny',
          Action: ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:PutObjectLegalHold', 's3:PutObjectRetention'],
        }),
      ]),
    );
    const granted = ofType('AWS::IAM::Policy').flatMap((one) =>
      statementsOf(one)
        .filter(({ Resource }) => JSON.stringify(Resource).includes(id))
        .map(({ Action }) => [one.id.replace(/RoleDefaultPolicy.*/, ''), Action]),
    );
    expect(granted.toSorted()).toEqual([
      ['AnchorAudit', 's3:PutObject'],
      ['ServeOperators', 's3:GetObject'],
      ['ServeOperators', 's3:ListBucket'],
    ]);
  });
});
