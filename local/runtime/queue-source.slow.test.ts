import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StackOptions } from '#local/types.ts';
import { type Fixture, type FixtureStack, prepareFixture } from './fixture/start.ts';

let fixture: Fixture;
let stack: FixtureStack;
let folders = 0;
beforeAll(async () => {
  fixture = await prepareFixture();
});
afterEach(() => stack.close());
afterAll(() => fixture.remove());

/**
 * Visibility of 20 s becomes one, unless a test says otherwise: one that counts deliveries of messages that nothing happens
 * to needs a visibility that no busy machine uses up.
 */
async function start(options: Partial<StackOptions> = {}): Promise<void> {
  folders += 1;
  stack = await fixture.start(`queue-${folders}`, options);
}

const clientOf = (endpoint: string) => ({ region: stack.region, credentials: stack.administrator, endpoint });

async function send(...bodies: string[]): Promise<void> {
  const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
  const sqs = new SQSClient(clientOf(stack.endpoints.sqs));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: stack.output('QueueUrl'), Entries }));
}

interface Seen {
  readonly deliveries: number;
  readonly messageIds: readonly string[];
  readonly receives: readonly number[];
}

/** What the consumer noted about the messages with this body. */
async function seen(body: string): Promise<Seen> {
  const dynamodb = new DynamoDBClient(clientOf(stack.endpoints.dynamodb));
  const { Item = {} } = await dynamodb.send(
    new GetItemCommand({ TableName: stack.output('Table'), Key: { id: { S: body } }, ConsistentRead: true }),
  );
  return {
    deliveries: Number(Item.deliveries?.N ?? 0),
    messageIds: Item.messageIds?.SS ?? [],
    receives: (Item.receives?.NS ?? []).map(Number).sort(),
  };
}

async function deadLetters(): Promise<string[]> {
  const sqs = new SQSClient(clientOf(stack.endpoints.sqs));
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: stack.output('DeadLetterUrl'),
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 1,
    }),
  );
  return Messages.map(({ Body = '' }) => Body).sort();
}

const drained = () => stack.drained(stack.output('QueueUrl'));

describe('a function behind a queue', () => {
  it('gets each message once when all goes well', async () => {
    await start({ speed: 1 });
    const bodies = Array.from({ length: 10 }, (_, index) => `good-${index}`);
    await send(...bodies);
    await drained();
    for (const body of bodies) expect(await seen(body)).toMatchObject({ deliveries: 1, receives: [1] });
    expect(await deadLetters()).toEqual([]);
  });

  it('gets only the failed ones again, and they end in the dead-letter queue', async () => {
    await start({ speed: 5 });
    await send('good-a', 'bad-a', 'good-b');
    await drained();
    expect(await seen('good-a')).toMatchObject({ deliveries: 1 });
    expect(await seen('good-b')).toMatchObject({ deliveries: 1 });
    const bad = await seen('bad-a');
    expect(bad).toMatchObject({ deliveries: 3, receives: [1, 2, 3] });
    expect(bad.messageIds).toHaveLength(1);
    expect(await deadLetters()).toEqual(['bad-a']);
  });

  it('that throws gets the whole batch again', async () => {
    // One process, so that the messages come in one batch as often as they are visible together.
    const assemblyDir = await fixture.edited(({ Resources }) => {
      for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
        if (Type === 'AWS::Lambda::Function' && logicalId.startsWith('Consumer')) {
          Properties.ReservedConcurrentExecutions = 1;
        }
      }
    });
    await start({ assemblyDir });
    await send('late-a', 'good-c', 'good-d');
    await drained();
    expect(await seen('late-a')).toMatchObject({ deliveries: 3 });
    const neighbours = [await seen('good-c'), await seen('good-d')];
    expect(Math.max(...neighbours.map(({ deliveries }) => deliveries))).toBeGreaterThan(1);
    expect(await deadLetters()).toContain('late-a');
  });

  it('gets messages again that a killed process was working on', async () => {
    await start({ speed: 5 });
    await send('slow-a');
    await expect.poll(() => stack.kill(stack.output('Consumer')), { timeout: 10_000 }).toBe(1);
    await drained();
    expect((await seen('slow-a')).deliveries).toBeGreaterThanOrEqual(1);
    expect((await seen('slow-a')).receives.at(-1)).toBe(2);
    expect(await deadLetters()).toEqual([]);
  });

  it('gets messages after a restart that were left on the queue', async () => {
    await start({ speed: 5 });
    await send('slow-b');
    await expect.poll(async () => (await seen('slow-b')).deliveries, { timeout: 10_000 }).toBe(1);
    await stack.close();
    stack = await fixture.start(`queue-${folders}`, { speed: 5 });
    await drained();
    expect(await seen('slow-b')).toMatchObject({ deliveries: 2, receives: [1, 2] });
  });
});

describe('deliveries', () => {
  it('come twice on purpose, with the same message id', async () => {
    await start({ duplicates: 1, speed: 1 });
    await send('good-x', 'good-y');
    await drained();
    for (const body of ['good-x', 'good-y']) {
      const { deliveries, messageIds } = await seen(body);
      expect(deliveries).toBe(2);
      expect(messageIds).toHaveLength(1);
    }
  });
});
