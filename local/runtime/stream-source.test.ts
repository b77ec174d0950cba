import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { StackOptions } from '#local/types.ts';
import { type Fixture, type FixtureStack, prepareFixture, revoke } from './fixture/start.ts';

let fixture: Fixture;
let stack: FixtureStack;
let folders = 0;
beforeAll(async () => {
  fixture = await prepareFixture();
});
afterEach(() => stack.close());
afterAll(() => fixture.remove());

async function start(options: Partial<StackOptions> = {}): Promise<void> {
  folders += 1;
  stack = await fixture.start(`stream-${folders}`, options);
}

const restart = async (): Promise<void> => {
  await stack.close();
  stack = await fixture.start(`stream-${folders}`);
};

const clientOf = (endpoint: string) => ({ region: stack.region, credentials: stack.administrator, endpoint });

async function put(...ids: string[]): Promise<void> {
  const client = new DynamoDBClient(clientOf(stack.endpoints.dynamodb));
  for (const id of ids) {
    const Item = { id: { S: id }, bytes: { B: Buffer.from(id) } };
    await client.send(new PutItemCommand({ TableName: stack.output('NotesTable'), Item }));
  }
  client.destroy();
}

/** Ids in the order in which the follower got them. */
async function followed(): Promise<string[]> {
  return (await lines()).map((line) => line.split(' ')[1] ?? '');
}

async function lines(): Promise<string[]> {
  const client = new DynamoDBClient(clientOf(stack.endpoints.dynamodb));
  const { Item } = await client.send(
    new GetItemCommand({ TableName: stack.output('Table'), Key: { id: { S: 'followed' } }, ConsistentRead: true }),
  );
  client.destroy();
  return (Item?.lines?.L ?? []).map(({ S = '' }) => S);
}

const failure = z.object({
  requestContext: z.object({ condition: z.string(), approximateInvokeCount: z.int() }),
  DDBStreamBatchInfo: z.object({
    startSequenceNumber: z.string(),
    endSequenceNumber: z.string(),
    batchSize: z.int(),
    streamArn: z.string(),
  }),
});

async function failures(): Promise<z.infer<typeof failure>[]> {
  const sqs = new SQSClient(clientOf(stack.endpoints.sqs));
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: stack.output('DeadLetterUrl'),
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 1,
    }),
  );
  sqs.destroy();
  return Messages.map(({ Body = '' }) => z.parse(failure, JSON.parse(Body)));
}

describe('a function behind a stream', () => {
  it('gets each change once and in order when all goes well', async () => {
    await start();
    const ids = Array.from({ length: 25 }, (_, n) => `n-${n}`);
    await put(...ids);
    const client = new DynamoDBClient(clientOf(stack.endpoints.dynamodb));
    await client.send(new DeleteItemCommand({ TableName: stack.output('NotesTable'), Key: { id: { S: 'n-3' } } }));
    client.destroy();
    await stack.streamsDrained();
    const bytes = (id: string): string => Buffer.from(id).toString('base64');
    expect(await lines()).toEqual([...ids.map((id) => `INSERT ${id} ${bytes(id)}`), 'REMOVE n-3']);
    expect(await failures()).toEqual([]);
  });

  it('waits for its batching window, unless somebody waits for it', async () => {
    // A window of 20 s at the speed of the clock.
    await start({ speed: 1 });
    await put('a');
    const before = Date.now();
    await stack.streamsDrained();
    expect(await followed()).toEqual(['a']);
    expect(Date.now() - before).toBeLessThan(10_000);
  });

  it('gets what it refused again, and nothing before it', async () => {
    await start();
    await put('a', 'b', 'refused', 'c');
    await stack.streamsDrained();
    const seen = await followed();
    expect(seen.filter((id) => id === 'a' || id === 'b')).toEqual(['a', 'b']);
    expect(seen.filter((id) => id === 'refused').length).toBeGreaterThanOrEqual(3);
    // The end of the one that fails does not keep what follows it.
    expect(seen.at(-1)).toBe('c');
    const [given] = await failures();
    expect(given?.requestContext.condition).toBe('RetryAttemptsExhausted');
    expect(given?.DDBStreamBatchInfo).toMatchObject({ batchSize: 1, startSequenceNumber: '3', endSequenceNumber: '3' });
  });

  it('that throws gets its batch in halves, until the one that is at fault is given up', async () => {
    await start();
    await put('a', 'b', 'c', 'bad', 'd', 'e');
    await stack.streamsDrained();
    const seen = await followed();
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect(seen).toContain(id);
    expect(await failures()).toEqual([
      expect.objectContaining({
        DDBStreamBatchInfo: expect.objectContaining({ batchSize: 1, startSequenceNumber: '4', endSequenceNumber: '4' }),
      }),
    ]);
  });

  it('goes on after a restart where it was', async () => {
    await start();
    await put('a', 'b');
    await stack.streamsDrained();
    await restart();
    await put('c');
    await stack.streamsDrained();
    expect(await followed()).toEqual(['a', 'b', 'c']);
  });

  it('gets a batch again that a killed process was working on, and one that the stack ended in', async () => {
    await start();
    await put('slow');
    await expect.poll(followed, { timeout: 10_000 }).toEqual(['slow']);
    expect(await stack.kill(stack.output('Follower'))).toBe(1);
    await expect.poll(async () => (await followed()).length, { timeout: 10_000 }).toBe(2);
    await restart();
    await stack.streamsDrained();
    expect(await followed()).toEqual(['slow', 'slow', 'slow']);
  });

  it('gets batches twice on purpose', async () => {
    await start({ duplicates: 1 });
    await put('a', 'b');
    await stack.streamsDrained();
    const seen = await followed();
    expect(seen.filter((id) => id === 'a')).toHaveLength(2);
    expect(seen.filter((id) => id === 'b')).toHaveLength(2);
  });
});

describe('a mapping on a stream', () => {
  it('follows a table that had no stream when it was made', async () => {
    const withoutStream = await fixture.edited(({ Resources }) => {
      for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
        if (Type === 'AWS::DynamoDB::GlobalTable' && logicalId.startsWith('Notes'))
          delete Properties.StreamSpecification;
        if (Type === 'AWS::Lambda::EventSourceMapping' && 'StartingPosition' in Properties) delete Resources[logicalId];
      }
    });
    await start({ assemblyDir: withoutStream });
    await put('before');
    // Nobody follows, so nothing is to be waited for.
    await stack.streamsDrained();
    await restart();
    await put('a');
    await stack.streamsDrained();
    expect(await followed()).toEqual(['a']);
  });

  it('is refused when the role of the function may not read it', async () => {
    await start();
    const assemblyDir = await fixture.edited((template) => revoke(template, 'Follower', 'dynamodb:GetRecords'));
    await expect(fixture.start('stream-refused', { assemblyDir })).rejects.toMatchObject({
      code: 'bad-configuration',
      message: expect.stringContaining('may not call dynamodb:GetRecords'),
    });
  });
});
