import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers, startQueues } from '#test/kit/aws-servers.ts';
import { awsRepositoryStore } from './aws.ts';
import { awsPublishQueue } from './aws-queue.ts';
import { repositoryStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

repositoryStoreContract('S3', async () => awsRepositoryStore(aws.s3, await aws.createBucket()));

describe('the queue of the publisher', () => {
  const makeQueue = async (sqs: Awaited<ReturnType<typeof startQueues>>): Promise<string> => {
    const made = await sqs.client.send(
      new CreateQueueCommand({ QueueName: 'publish.fifo', Attributes: { FifoQueue: 'true' } }),
    );
    return made.QueueUrl ?? '';
  };

  it('hands on one message after the other, in their order, and the same one twice', async () => {
    await using sqs = await startQueues();
    const url = await makeQueue(sqs);
    let n = 0;
    const queue = awsPublishQueue(sqs.client, url, () => String(n++));
    await queue.send({ version: 1, kind: 'feed' });
    await queue.send({ version: 1, kind: 'feed' });
    await queue.send({ version: 1, kind: 'rules' });
    const receive = async () =>
      (await sqs.client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }))).Messages ?? [];
    expect((await receive()).map(({ Body }) => JSON.parse(Body ?? '').kind)).toEqual(['feed', 'feed', 'rules']);
    // The group is out: nobody else gets any of it.
    await queue.send({ version: 1, kind: 'feed' });
    expect(await receive()).toEqual([]);
  });

  it('refuses what SQS would not take, in words', async () => {
    await using sqs = await startQueues();
    const queue = awsPublishQueue(sqs.client, await makeQueue(sqs), () => 'one');
    const text = 'x'.repeat(400_000);
    const documents = (['root', 'targets', 'custom'] as const).map((role) => ({ role, text }));
    await expect(queue.send({ version: 1, kind: 'documents', documents })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('at most 1048576'),
    });
  });
});
