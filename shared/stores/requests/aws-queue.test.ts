import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startQueues } from '#test/kit/aws-servers.ts';
import { sha1 } from '#test/kit/values.ts';
import { awsFetchQueue } from './aws-queue.ts';
import { fetchQueueContract } from './queue-contract-suite.ts';

let sqs: Awaited<ReturnType<typeof startQueues>>;
let made = 0;
beforeAll(async () => {
  sqs = await startQueues();
});
afterAll(() => sqs[Symbol.asyncDispose]());

async function makeQueue(): Promise<string> {
  made += 1;
  const { QueueUrl } = await sqs.client.send(new CreateQueueCommand({ QueueName: `queue-${made}` }));
  if (QueueUrl === undefined) throw new Error('the queue has no address');
  return QueueUrl;
}

async function allMessages(QueueUrl: string): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for (;;) {
    const { Messages } = await sqs.client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages === undefined || Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body }) => JSON.parse(Body ?? '')));
  }
}

fetchQueueContract('SQS', async () => {
  const url = await makeQueue();
  return { queue: awsFetchQueue(sqs.client, url), messages: () => allMessages(url) };
});

it('a message that could not be read on the other side is not sent', async () => {
  const url = await makeQueue();
  const messages = [{ version: 1 as const, sha1: sha1('a').toUpperCase() }];
  await expect(awsFetchQueue(sqs.client, url).send(messages)).rejects.toThrow();
  expect(await allMessages(url)).toEqual([]);
});
