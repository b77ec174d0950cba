import { afterAll, beforeAll, expect, test } from 'vitest';
import { list, statementsOf } from './testing/statements.ts';
import { type Synthesized, synthesize } from './testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

/** docs/adr/0020-access-patterns.md names who may read a table whole, and why. */
test('nothing that answers requests may read a table whole', () => {
  const scanning = synthesized
    .ofType('AWS::IAM::Policy')
    .filter((policy) => statementsOf(policy).some(({ Action }) => list(Action).includes('dynamodb:Scan')))
    .map(({ id }) => id.replace(/RoleDefaultPolicy.*/, ''));
  expect(scanning).toContain('SyncIndex');
  expect(scanning.filter((who) => who.startsWith('Serve'))).toEqual([]);
});
