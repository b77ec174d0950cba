import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { StoreError } from '../store-error.ts';
import type { Sleep } from './batches.ts';

/** Time and chance between the tries of a write that met another one. */
export interface Retrying {
  readonly sleep: Sleep;
  /**
   * In [0, 1); spreads the waits, so that two who met do not meet again.
   *
   * @default Math.random
   */
  readonly random?: () => number;
}

/** Tries of a write whose items others are just writing; their waits, spread by chance, add up to about 3 s. */
const maxTries = 8;

/**
 * Reasons of a cancelled transaction, and names of errors, that say "not now" and nothing of the conditions
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
 */
const notNow = new Set(['TransactionConflict', 'ProvisionedThroughputExceeded', 'ThrottlingError']);
const notNowErrors = new Set(['TransactionConflictException', 'TransactionInProgressException']);

/**
 * Runs a conditional write, of one item or a transaction. When another transaction has one of its items in hand, that
 * says nothing of the conditions: it is tried again after a wait.
 *
 * @returns `undefined` when it was made, else which of its items' conditions did not hold, by their place in it
 * @throws StoreError `conflict` when it did not get its turn in all tries
 */
export async function failedConditions(
  write: () => Promise<unknown>,
  { sleep, random = Math.random }: Retrying,
): Promise<readonly number[] | undefined> {
  for (let tried = 1; ; tried += 1) {
    try {
      await write();
      return undefined;
    } catch (error) {
      const failed = conditionsOf(error);
      if (failed.length > 0) return failed;
      if (!isNotNow(error)) throw error;
      if (tried === maxTries)
        throw new StoreError('conflict', `others were writing the same items in each of ${maxTries} tries`, {
          cause: error,
        });
    }
    await sleep(25 * 2 ** (tried - 1) * (0.5 + random() / 2));
  }
}

function conditionsOf(error: unknown): number[] {
  if (error instanceof ConditionalCheckFailedException) return [0];
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).flatMap(({ Code }, index) =>
    Code === 'ConditionalCheckFailed' ? [index] : [],
  );
}

function isNotNow(error: unknown): boolean {
  if (error instanceof TransactionCanceledException)
    return (error.CancellationReasons ?? []).some(({ Code }) => Code !== undefined && notNow.has(Code));
  return error instanceof Error && notNowErrors.has(error.name);
}
