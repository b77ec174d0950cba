import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { list, statementsOf } from '../testing/statements.ts';
import { type Synthesized, synthesize } from '../testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

/** What a function may do to a table: actions, with the patterns of keys that they are bound to. */
const allowedOn = (fn: string, table: string): readonly string[] =>
  synthesized
    .ofType('AWS::IAM::Policy')
    .filter(({ id }) => id.startsWith(fn))
    .flatMap((policy) => statementsOf(policy))
    .filter(({ Resource }) => JSON.stringify(Resource).includes(table))
    .flatMap(({ Action, Condition }) => {
      const keys = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
      return list(Action).map((action) => `${String(action)}${keys === undefined ? '' : ` ${list(keys).join()}`}`);
    })
    .sort();

describe('hosts and tokens', () => {
  test('have the keys that their stores name, and rows that end', () => {
    const tables = synthesized.ofType('AWS::DynamoDB::Table');
    const table = (prefix: string) => tables.find(({ id }) => id.startsWith(prefix))?.properties;
    expect(table('HostsTable')).toMatchObject({
      KeySchema: [
        { AttributeName: 'machineId', KeyType: 'HASH' },
        { AttributeName: 'item', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'endsAt', Enabled: true },
    });
    expect(table('TokensTable')).toMatchObject({
      KeySchema: [
        { AttributeName: 'list', KeyType: 'HASH' },
        { AttributeName: 'tokenId', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'endsAt', Enabled: true },
    });
  });

  test('are in the hands of the agents’ function, which can delete nothing, and make no token', () => {
    expect(allowedOn('ServeAgents', 'HostsTable')).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    ]);
    expect(allowedOn('ServeAgents', 'TokensTable')).toEqual(['dynamodb:GetItem', 'dynamodb:UpdateItem']);
  });

  test('are shown to operators, who can revoke and neither write a report nor delete', () => {
    expect(allowedOn('ServeOperators', 'HostsTable')).toEqual([
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ]);
  });
});

test('the agents’ function knows its name, and its limits can be set', () => {
  const variables = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
  const variablesOf = (of: Synthesized) => {
    const fn = of.ofType('AWS::Lambda::Function').find(({ id }) => id.startsWith('ServeAgents'));
    return variables.parse(fn?.properties).Environment.Variables;
  };
  expect(variablesOf(synthesized)).toMatchObject({
    AGENT_BURST: '60',
    AGENT_PER_MINUTE: '6',
    AGENT_FILES_PER_DAY: '500',
  });
  const name = JSON.stringify(variablesOf(synthesized).AGENT_AUDIENCE);
  for (const part of ['urn:kbroker:', 'AWS::AccountId', 'AWS::Region', ':KBroker']) expect(name).toContain(part);
  const other = synthesize({ hostBurst: 600, hostRequestsPerMinute: 100, hostFilesPerDay: 50 });
  try {
    expect(variablesOf(other)).toMatchObject({
      AGENT_BURST: '600',
      AGENT_PER_MINUTE: '100',
      AGENT_FILES_PER_DAY: '50',
    });
  } finally {
    other.remove();
  }
});
