/**
 * Deletes items whose time to live is over.
 *
 * Source: "Using time to live (TTL) in DynamoDB": the attribute is a number of seconds since 1970; items that expired
 * more than five years ago are left alone.
 */
import * as z from 'zod/mini';
import type { DynamoBackend } from './backend.ts';

const FIVE_YEARS_SECONDS = 5 * 365 * 24 * 3600;

const tablePage = z.object({ TableNames: z.array(z.string()), LastEvaluatedTableName: z.optional(z.string()) });
const timeToLive = z.object({
  TimeToLiveDescription: z.optional(
    z.object({ TimeToLiveStatus: z.optional(z.string()), AttributeName: z.optional(z.string()) }),
  ),
});
const keySchema = z.object({ Table: z.object({ KeySchema: z.array(z.object({ AttributeName: z.string() })) }) });
const item = z.record(z.string(), z.unknown());
const itemPage = z.object({ Items: z.array(item), LastEvaluatedKey: z.optional(item) });

/** Returns how many items were deleted. */
export async function expireItems(backend: DynamoBackend, nowMs: number): Promise<number> {
  let deleted = 0;
  for await (const table of tables(backend)) {
    const { TimeToLiveDescription: ttl } = z.parse(
      timeToLive,
      await backend.call('DescribeTimeToLive', { TableName: table }),
    );
    if (ttl?.TimeToLiveStatus !== 'ENABLED' || ttl.AttributeName === undefined) continue;
    deleted += await expireTable(backend, table, ttl.AttributeName, Math.floor(nowMs / 1000));
  }
  return deleted;
}

async function* tables(backend: DynamoBackend): AsyncIterable<string> {
  let start: string | undefined;
  do {
    const page = z.parse(
      tablePage,
      await backend.call('ListTables', start === undefined ? {} : { ExclusiveStartTableName: start }),
    );
    yield* page.TableNames;
    start = page.LastEvaluatedTableName;
  } while (start !== undefined);
}

async function expireTable(
  backend: DynamoBackend,
  table: string,
  attribute: string,
  nowSeconds: number,
): Promise<number> {
  const described = z.parse(keySchema, await backend.call('DescribeTable', { TableName: table }));
  const keyNames = described.Table.KeySchema.map((part) => part.AttributeName);
  const condition = {
    ExpressionAttributeNames: { '#ttl': attribute },
    ExpressionAttributeValues: {
      ':now': { N: String(nowSeconds) },
      ':old': { N: String(nowSeconds - FIVE_YEARS_SECONDS) },
      ':number': { S: 'N' },
    },
  };
  const expired = 'attribute_type(#ttl, :number) AND #ttl < :now AND #ttl > :old';
  let deleted = 0;
  let start: z.infer<typeof item> | undefined;
  do {
    const page = z.parse(
      itemPage,
      await backend.call('Scan', {
        TableName: table,
        FilterExpression: expired,
        ...condition,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const found of page.Items) {
      const Key = Object.fromEntries(keyNames.map((name) => [name, found[name]]));
      // The condition again: the item may have been given a longer life since the scan.
      const answer = await backend.forward(
        'DeleteItem',
        JSON.stringify({ TableName: table, Key, ConditionExpression: expired, ...condition }),
      );
      if (answer.status === 200) deleted++;
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return deleted;
}
