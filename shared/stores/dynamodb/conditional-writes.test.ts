import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { failedConditions } from './conditional-writes.ts';

const cancelled = (...codes: readonly string[]): Error =>
  new TransactionCanceledException({
    $metadata: {},
    message: 'Transaction cancelled',
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
const unmet = new ConditionalCheckFailedException({ $metadata: {}, message: 'The conditional request failed' });

/** A write that fails with each of the errors, one try each, and is made then. */
function attempt(...errors: readonly Error[]) {
  const waits: number[] = [];
  let tries = 0;
  const result = failedConditions(
    async () => {
      const error = errors[tries];
      tries += 1;
      if (error !== undefined) throw error;
    },
    { sleep: async (milliseconds) => void waits.push(milliseconds), random: () => 0 },
  );
  return { result, waits, tries: () => tries };
}

describe('a conditional write', () => {
  it('that is made has no failed condition', async () => {
    expect(await attempt().result).toBeUndefined();
  });

  it('says which conditions did not hold, and is not tried again', async () => {
    const { result, tries } = attempt(cancelled('None', 'ConditionalCheckFailed', 'TransactionConflict'));
    expect(await result).toEqual([1]);
    expect(tries()).toBe(1);
    expect(await attempt(unmet).result).toEqual([0]);
  });

  it('that met another one is tried again, slower each time', async () => {
    const conflict = Object.assign(new Error('busy'), { name: 'TransactionConflictException' });
    const { result, waits } = attempt(cancelled('None', 'TransactionConflict'), conflict, cancelled('ThrottlingError'));
    expect(await result).toBeUndefined();
    expect(waits).toEqual([12.5, 25, 50]);
  });

  it('gives up at last, and at once for every other error', async () => {
    const { result, tries } = attempt(...Array.from({ length: 20 }, () => cancelled('TransactionConflict')));
    await expect(result).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });
    expect(tries()).toBe(8);
    await expect(attempt(cancelled('ValidationError')).result).rejects.toThrow('Transaction cancelled');
    await expect(attempt(new Error('no such table')).result).rejects.toThrow('no such table');
  });
});
