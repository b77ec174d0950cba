import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { list, statementsOf } from '../testing/statements.ts';
import { type Synthesized, synthesize } from '../testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const one = <T>(values: readonly T[]): T => {
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) throw new Error(`expected one, got ${values.length}`);
  return value;
};

describe('the function that keeps the snapshot of the fleet', () => {
  const table = () => one(synthesized.ofType('AWS::DynamoDB::Table').filter(({ id }) => id.startsWith('HostsTable')));
  const mapping = () =>
    one(
      synthesized
        .ofType('AWS::Lambda::EventSourceMapping')
        .filter(({ properties }) => properties.StartingPosition !== undefined),
    );

  test('follows the stream of hosts from its beginning, in halves when it fails, and tells of what it gives up', () => {
    expect(table().properties.StreamSpecification).toEqual({ StreamViewType: 'NEW_IMAGE' });
    const queue = one(synthesized.ofType('AWS::SQS::Queue').filter(({ id }) => id.startsWith('FleetFailures')));
    expect(mapping().properties).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': [table().id, 'StreamArn'] },
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 1000,
      BisectBatchOnFunctionError: true,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queue.id, 'Arn'] } } },
    });
    // No bound on attempts: what fails is a store that is down, or a partition that somebody has to mend.
    expect(mapping().properties.MaximumRetryAttempts).toBeUndefined();
    // A day is what the stream keeps.
    expect(Number(mapping().properties.MaximumRecordAgeInSeconds)).toBeLessThan(24 * 3600);
  });

  test('has a snapshot that is five minutes old at most, with half a minute to work', () => {
    const beat = one(
      synthesized
        .ofType('AWS::Scheduler::Schedule')
        .filter(({ properties }) => JSON.stringify(properties.Target).includes('AggregateFleet')),
    );
    const minutes = Number(/^rate\((\d+) minutes\)$/.exec(String(beat.properties.ScheduleExpression))?.[1]);
    expect(minutes * 60 + Number(mapping().properties.MaximumBatchingWindowInSeconds)).toBe(270);
  });

  test('may write beats and nothing else among the hosts, and alone reads the whole table', () => {
    const onHosts = synthesized.ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .filter((statement) => JSON.stringify(statement.Resource).includes(`"${table().id}"`))
        .map((statement) => ({ who: policy.id.replace(/RoleDefaultPolicy.*/, ''), ...statement })),
    );
    const own = onHosts.filter(({ who }) => who === 'AggregateFleet');
    expect(own.find(({ Action }) => list(Action).includes('dynamodb:PutItem'))).toMatchObject({
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['.beat-*'] } },
    });
    const actions = own.flatMap(({ Action }) => list(Action).map(String)).sort();
    expect(actions).toEqual([
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
      'dynamodb:PutItem',
      'dynamodb:Scan',
    ]);
    const scanning = onHosts.filter(({ Action }) => list(Action).includes('dynamodb:Scan')).map(({ who }) => who);
    expect(scanning).toEqual(['AggregateFleet']);
  });

  test.each([0, 1.5, 257])('is not made with %d partitions', (fleetPartitions) => {
    expect(() => synthesize({ fleetPartitions })).toThrow(`fleetPartitions is ${fleetPartitions}`);
  });
});
