import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  QueueDoesNotExist,
  QueueNameExists,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_ID, nameOf, REGION, TestSqs } from './testing/start.ts';

let sqs: TestSqs;
beforeAll(async () => {
  sqs = await TestSqs.start();
});
afterAll(() => sqs.stop());

describe('queues', () => {
  it('are created, found, listed, tagged and deleted', async () => {
    const QueueUrl = await sqs.newQueue({ VisibilityTimeout: '60' });
    const QueueName = nameOf(QueueUrl);
    expect(QueueUrl).toBe(`${sqs.server.url}/${ACCOUNT_ID}/${QueueName}`);
    expect((await sqs.client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl).toBe(QueueUrl);
    expect((await sqs.client.send(new ListQueuesCommand({ QueueNamePrefix: QueueName }))).QueueUrls).toEqual([
      QueueUrl,
    ]);
    expect(await sqs.attributes(QueueUrl)).toMatchObject({
      QueueArn: `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${QueueName}`,
      VisibilityTimeout: '60',
      ApproximateNumberOfMessages: '0',
    });
    await sqs.client.send(new TagQueueCommand({ QueueUrl, Tags: { a: '1', b: '2' } }));
    await sqs.client.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['a'] }));
    expect((await sqs.client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ b: '2' });
    await sqs.client.send(new DeleteQueueCommand({ QueueUrl }));
    await expect(sqs.client.send(new GetQueueUrlCommand({ QueueName }))).rejects.toBeInstanceOf(QueueDoesNotExist);
    await expect(sqs.send(QueueUrl, 'x')).rejects.toBeInstanceOf(QueueDoesNotExist);
  });

  it('are created again only with the same attributes', async () => {
    const QueueUrl = await sqs.newQueue({ VisibilityTimeout: '60' });
    const QueueName = nameOf(QueueUrl);
    const again = (VisibilityTimeout: string) =>
      sqs.client.send(new CreateQueueCommand({ QueueName, Attributes: { VisibilityTimeout } }));
    expect((await again('60')).QueueUrl).toBe(QueueUrl);
    await expect(again('61')).rejects.toBeInstanceOf(QueueNameExists);
  });

  it('refuse attributes that do not exist or are out of range', async () => {
    await expect(sqs.newQueue({ VisibilityTimeout: '43201' })).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
    await expect(sqs.newQueue({ Visibility: '1' })).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await expect(sqs.newQueue({ RedrivePolicy: '{}' })).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
  });
});
