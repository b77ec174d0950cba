import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildKey } from '#shared/contract/keys.ts';
import { lastJoined, list, statementsOf } from './testing/statements.ts';
import { type Resource, type Synthesized, synthesize } from './testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const ofType = (...types: string[]): readonly Resource[] => synthesized.ofType(...types);

describe('permissions', () => {
  test('name their actions, without a wildcard', () => {
    const actions = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy).flatMap((one) => list(one.Action).map(String)),
    );
    expect(actions.length).toBeGreaterThan(20);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('name their resources; the only wildcard is the rest of a key under a prefix', () => {
    const stored = ['index', 'catalog', 'payloads', 'packages', 'staging', 'refused', 'fleet', 'anchors'];
    const allowed = [...stored, 'metadata', 'targets', 'index/sha256'].map((prefix) => `/${prefix}/*`);
    const surprising = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .flatMap((one) => list(one.Resource))
        .filter((resource) => JSON.stringify(resource).includes('*') && !allowed.includes(String(lastJoined(resource))))
        .map((resource) => [policy.id, resource]),
    );
    expect(surprising).toEqual([]);
  });

  test('come from the stack alone, not from managed policies', () => {
    for (const { properties } of ofType('AWS::IAM::Role')) expect(properties.ManagedPolicyArns).toBeUndefined();
  });

  test('let each prefix be deleted by the one function that cleans it, and nothing that is signed by anybody', () => {
    const deletable = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .filter((one) => list(one.Action).includes('s3:DeleteObject'))
        .flatMap((one) =>
          list(one.Resource).map((resource) => [policy.id.replace(/RoleDefaultPolicy.*/, ''), lastJoined(resource)]),
        ),
    );
    expect(deletable.map((pair) => pair.join(' ')).toSorted()).toEqual([
      // The snapshot of the fleet is a copy, and its old layouts are dropped.
      'AggregateFleet /fleet/*',
      'CleanPayloads /packages/*',
      'CleanPayloads /payloads/*',
      'FetchPayload /staging/*',
      // The one function that publishes indexes drops those that are long replaced.
      'SyncIndex /catalog/*',
      'SyncIndex /index/sha256/*',
      'SyncIndex /staging/*',
    ]);
  });

  test('let the cleaning write no file and no fact, and of the requests and the fleet only read', () => {
    const policy = ofType('AWS::IAM::Policy').find((one) => one.id.startsWith('CleanPayloads'));
    const statements = policy === undefined ? [] : statementsOf(policy);
    const actionsOn = (what: string) =>
      statements.filter((one) => JSON.stringify(one.Resource).includes(what)).flatMap((one) => list(one.Action));
    // It lists to find files of packages that no manifest names.
    expect(actionsOn('PayloadsObjects').toSorted()).toEqual(['s3:DeleteObject', 's3:ListBucket']);
    expect(actionsOn('CatalogTable')).toEqual(['dynamodb:BatchGetItem']);
    expect(new Set(actionsOn('RequestsTable'))).toEqual(new Set(['dynamodb:BatchGetItem', 'dynamodb:Query']));
    const puts = statements.filter((one) => list(one.Action).includes('dynamodb:PutItem'));
    expect(puts.map(({ Condition }) => Condition?.['ForAllValues:StringLike'])).toEqual([
      { 'dynamodb:LeadingKeys': ['cleaning', 'unnamed-package-files', 'cleaning#*'] },
    ]);
  });

  test('let only the worker write payloads and only the synchronisation write the index, and the publisher what is signed', () => {
    const writers = (tail: string) =>
      ofType('AWS::IAM::Policy')
        .filter((policy) =>
          statementsOf(policy).some(
            (one) => list(one.Action).includes('s3:PutObject') && list(one.Resource).map(lastJoined).includes(tail),
          ),
        )
        .map((policy) => policy.id.replace(/RoleDefaultPolicy.*/, ''));
    expect(writers('/payloads/*')).toEqual(['FetchPayload']);
    // By the addresses that it gives to people who upload.
    expect(writers('/packages/*')).toEqual(['ServeOperators']);
    expect(writers('/index/*')).toEqual(['SyncIndex']);
    expect(writers('/metadata/*')).toEqual(['PublishRepository']);
    expect(writers('/targets/*')).toEqual(['PublishRepository']);
  });

  test('keeps every signed file but the timestamp from being written over, and what was written over', () => {
    const [bucket] = ofType('AWS::S3::Bucket').filter(({ id }) => id.startsWith('SignedFiles'));
    const policy = ofType('AWS::S3::BucketPolicy').find(({ properties }) =>
      JSON.stringify(properties.Bucket).includes(bucket?.id ?? '?'),
    );
    const once = policy && statementsOf(policy).find(({ Action }) => Action === 's3:PutObject');
    expect(once).toMatchObject({
      Effect: 'Deny',
      Action: 's3:PutObject',
      Condition: { Null: { 's3:if-none-match': 'true' } },
    });
    const covered = list(once?.Resource)
      .map(lastJoined)
      .map((pattern) => new RegExp(`^${String(pattern).slice(1).replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
    const isOnce = (key: Parameters<typeof buildKey>[0]) => covered.some((pattern) => pattern.test(buildKey(key)));
    const sha256 = '0'.repeat(64);
    expect(isOnce({ kind: 'metadata', role: 'root', version: 1 })).toBe(true);
    expect(isOnce({ kind: 'pinned-root', sha256 })).toBe(true);
    expect(isOnce({ kind: 'target', path: 'rules/book.json', sha256 })).toBe(true);
    expect(isOnce({ kind: 'timestamp' })).toBe(false);
    expect(bucket?.properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
  });

  test('let the publisher alone sign, and it writes no rules', () => {
    const acting = (action: string) =>
      ofType('AWS::IAM::Policy')
        .filter((policy) => statementsOf(policy).some((one) => list(one.Action).includes(action)))
        .map((policy) => policy.id.replace(/RoleDefaultPolicy.*/, ''));
    expect(acting('kms:Sign')).toEqual(['PublishRepository']);
    expect(acting('kms:GetPublicKey').toSorted()).toEqual(['PublishRepository', 'ServeOperators']);
    const publisher = ofType('AWS::IAM::Policy').find(({ id }) => id.startsWith('PublishRepository'));
    const onTables =
      publisher === undefined
        ? []
        : statementsOf(publisher).filter((one) =>
            list(one.Action).some((action) => String(action).startsWith('dynamodb:')),
          );
    expect(new Set(onTables.flatMap((one) => list(one.Action)))).toEqual(
      new Set(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
    );
  });

  test('let those who answer operators write the rows of runs and nothing else of the catalogue’s table', () => {
    const writes = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'].map((action) => `dynamodb:${action}`);
    const writing = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .filter(
          (one) =>
            JSON.stringify(one.Resource).includes('CatalogTable') &&
            list(one.Action).some((action) => writes.includes(String(action))),
        )
        .map((one) => ({
          who: policy.id.replace(/RoleDefaultPolicy.*/, ''),
          actions: list(one.Action),
          condition: one.Condition,
        })),
    );
    expect(writing.map(({ who }) => who).sort()).toEqual(['ServeOperators', 'SyncIndex']);
    expect(writing.find(({ who }) => who === 'ServeOperators')).toEqual({
      who: 'ServeOperators',
      actions: ['dynamodb:PutItem'],
      condition: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['run#*'] },
        // A request without a key would match any list of keys.
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    });
  });

  test('give the agents’ function nothing of an operator', () => {
    const policy = ofType('AWS::IAM::Policy').find((one) => one.id.startsWith('ServeAgents'));
    if (!policy) throw new Error('no policy of ServeAgents');
    const actions = statementsOf(policy).flatMap((one) => list(one.Action).map(String));
    expect(actions).not.toContain('lambda:InvokeFunction');
    expect(actions.filter((action) => action.startsWith('s3:'))).toEqual([]);
    const onCommands = statementsOf(policy).filter((one) => JSON.stringify(one.Resource).includes('CommandsTable'));
    const written = onCommands.filter((one) => list(one.Action).includes('dynamodb:PutItem'));
    expect(written.map(({ Condition }) => Condition)).toEqual([
      {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['outcomes#*'] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    ]);
    const free = onCommands.filter(({ Condition }) => Condition === undefined).flatMap((one) => list(one.Action));
    expect(free.toSorted()).toEqual(['dynamodb:GetItem', 'dynamodb:Query']);
    const onRules = statementsOf(policy).filter((one) => JSON.stringify(one.Resource).includes('RulesTable'));
    // Hosts have their rules from the signed repository.
    expect(onRules).toEqual([]);
  });
});
