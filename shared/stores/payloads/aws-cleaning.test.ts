import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { altered } from '#test/kit/sync-bench.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { objectBytes } from '../s3/objects.ts';
import { awsPayloadStore } from './aws.ts';
import { awsPayloadCleaning } from './aws-cleaning.ts';
import { awsCleaningJournal } from './aws-journal.ts';
import { payloadsBinding } from './binding.ts';
import { cleaningJournalContract, payloadCleaningContract } from './cleaning-contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

async function make() {
  const { dynamodb, s3 } = aws;
  const table = await aws.createTable(payloadsBinding);
  const bucket = await aws.createBucket();
  const waits: number[] = [];
  /** How many updates of single records the table is too busy for. */
  const busy = { times: 0 };
  const throttled = altered(dynamodb, {
    send: ((command: UpdateCommand) => {
      if (!(command instanceof UpdateCommand) || busy.times === 0) return dynamodb.send(command);
      busy.times -= 1;
      return Promise.reject(Object.assign(new Error('too many'), { name: 'ThrottlingException' }));
    }) as typeof dynamodb.send,
  });
  const sleep = async (milliseconds: number): Promise<void> => void waits.push(milliseconds);
  const options = { dynamodb: throttled, s3, table, bucket, sleep };
  return {
    table,
    busy,
    waits,
    store: awsPayloadStore(options),
    cleaning: awsPayloadCleaning(options),
    hasObject: async (digest: string) => (await objectBytes(s3, bucket, `payloads/sha256/${digest}`)) !== undefined,
  };
}

payloadCleaningContract('AWS', make);
cleaningJournalContract('DynamoDB', async () => awsCleaningJournal(aws.dynamodb, (await make()).table));

describe('the cleaning on AWS', () => {
  it('names records that do not parse, and leaves them alone', async () => {
    const { table, cleaning } = await make();
    const bad = { sha1: sha1('x'), sha256: sha256('x'), version: 1, size: -1, list: 'retired', heldAt: at(1) };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item: bad }));
    expect(await cleaning.list('retired', { limit: 10 })).toEqual({ items: [], unreadable: [sha1('x')] });
  });

  it('goes on when the table is too busy for a while', async () => {
    const { store, cleaning, busy, waits } = await make();
    await store.record({ sha1: sha1('x'), sha256: sha256('x'), size: 1, heldAt: at(1) });
    busy.times = 2;
    await cleaning.markUnneeded([sha1('x')], at(2));
    expect((await cleaning.list('held', { limit: 9 })).items).toMatchObject([{ unneededSince: at(2) }]);
    expect(waits).toHaveLength(2);
    busy.times = 100;
    await expect(cleaning.clearUnneeded([sha1('x')])).rejects.toThrow(/did not write a record/);
  });

  it('counts right when several act at once', async () => {
    const { cleaning, store } = await make();
    for (let n = 1; n <= 60; n += 1)
      await store.record({ sha1: sha1(`${n}`), sha256: sha256(`${n}`), size: n, heldAt: at(n) });
    const { items } = await cleaning.list('held', { limit: 100 });
    const retired = await Promise.all([1, 2, 3].map(() => cleaning.retire(items, at(100))));
    expect(
      retired
        .flat()
        .map(({ size }) => size)
        .toSorted((a, b) => a - b),
    ).toEqual(items.map(({ size }) => size).reverse());
    expect(await store.totals()).toEqual({ files: 0, bytes: 0 });
    expect((await cleaning.totals()).retired).toEqual({ files: 60, bytes: 1830 });
  });
});
