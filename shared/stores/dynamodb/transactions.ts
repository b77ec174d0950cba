import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Sleep } from './batches.ts';

type Writes = NonNullable<TransactWriteCommandInput['TransactItems']>;

interface TransactionOptions {
  /**
   * In [0, 1); spreads the waits of those who met on an item.
   *
   * @default Math.random
   */
  readonly random?: (() => number) | undefined;
}

/** With the waits below about 10 s; a counter that 100 callers want at once is through long before. */
const maxTries = 12;

/**
 * Writes all of it, or nothing. Whoever met another transaction on an item tries again: the SDK does not.
 *
 * @returns the index of the first write whose condition did not hold; `undefined` when all was written
 * @throws TransactionCanceledException for every other reason
 */
export async function writeTogether(
  client: DynamoDBDocumentClient,
  writes: Writes,
  sleep: Sleep,
  { random = Math.random }: TransactionOptions = {},
): Promise<number | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      await client.send(new TransactWriteCommand({ TransactItems: writes }));
      return undefined;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
      const refused = codes.indexOf('ConditionalCheckFailed');
      if (refused >= 0) return refused;
      const met = codes.some((code) => code === 'TransactionConflict' || code === 'ThrottlingError');
      if (!met || tries === maxTries) throw error;
      await sleep(Math.min(20 * 2 ** tries, 2000) * (0.5 + random() / 2));
    }
  }
}
