import { Aws } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { environmentFaults } from './environment.ts';

const schema = z.object({
  TABLE: z.string(),
  TRIES: z.coerce.number().check(z.int(), z.positive()),
  NOTE: z.optional(z.string()),
});

describe('environmentFaults', () => {
  test('is silent when every key is bound, an optional one or not', () => {
    expect(environmentFaults('do-it', schema, { TABLE: 't', TRIES: '3' })).toEqual([]);
    expect(environmentFaults('do-it', schema, { TABLE: 't', TRIES: '3', NOTE: 'n' })).toEqual([]);
  });

  test('names the function and each key that has no value', () => {
    expect(environmentFaults('do-it', schema, {})).toEqual([
      'do-it: nothing in the stack gives TABLE a value, and its env.ts asks for it',
      'do-it: nothing in the stack gives TRIES a value, and its env.ts asks for it',
    ]);
  });

  test('names a value that nobody asks for', () => {
    expect(environmentFaults('do-it', schema, { TABLE: 't', TRIES: '3', QUEUE: 'q' })).toEqual([
      'do-it: the stack gives QUEUE a value, but its env.ts does not ask for it',
    ]);
  });

  test('lets the schema judge literals, and leaves what is only known at deployment', () => {
    const [fault, ...others] = environmentFaults('do-it', schema, { TABLE: Aws.STACK_NAME, TRIES: 'often' });
    expect(fault).toMatch(/^do-it: its env\.ts refuses TRIES = "often" \(/);
    expect(others).toEqual([]);
    expect(environmentFaults('do-it', schema, { TABLE: 't', TRIES: Aws.ACCOUNT_ID })).toEqual([]);
  });
});
