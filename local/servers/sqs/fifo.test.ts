import { ChangeMessageVisibilityCommand, DeleteMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodies, TestSqs } from './testing/start.ts';

let sqs: TestSqs;
beforeAll(async () => {
  sqs = await TestSqs.start();
});
afterAll(() => sqs.stop());

describe('FIFO queues', () => {
  const fifo = (more: Record<string, string> = {}) => sqs.newQueue({ FifoQueue: 'true', ...more });
  const into = (MessageGroupId: string, MessageDeduplicationId: string) => ({ MessageGroupId, MessageDeduplicationId });

  it('keep the order of each group, and hold a group while one of its messages is out', async () => {
    const url = await fifo();
    await sqs.send(url, 'a1', into('a', '1'));
    await sqs.send(url, 'a2', into('a', '2'));
    await sqs.send(url, 'b1', into('b', '3'));
    const [first] = await sqs.receive(url, { MaxNumberOfMessages: 1 });
    expect(first).toMatchObject({ Body: 'a1', Attributes: { MessageGroupId: 'a', MessageDeduplicationId: '1' } });
    expect(bodies(await sqs.receive(url))).toEqual(['b1']);
    expect(await sqs.receive(url)).toEqual([]);
    await sqs.client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle }));
    expect(bodies(await sqs.receive(url))).toEqual(['a2']);
  });

  it('hand out several messages of a group in one batch, and hold the group for the later ones, too', async () => {
    const url = await fifo();
    for (const id of ['1', '2', '3']) await sqs.send(url, `a${id}`, into('a', id));
    const [first] = await sqs.receive(url, { MaxNumberOfMessages: 2 });
    await sqs.client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle, VisibilityTimeout: 0 }),
    );
    expect(await sqs.receive(url)).toEqual([]);
  });

  it('drop duplicates for five minutes, by id or by content', async () => {
    const url = await fifo({ ContentBasedDeduplication: 'true' });
    const one = await sqs.send(url, 'same', { MessageGroupId: 'g' });
    const two = await sqs.send(url, 'same', { MessageGroupId: 'g' });
    expect(two).toMatchObject({ MessageId: one.MessageId, SequenceNumber: one.SequenceNumber });
    expect(await sqs.receive(url)).toHaveLength(1);
    sqs.pass(5 * 60_000 + 1);
    const three = await sqs.send(url, 'same', { MessageGroupId: 'g' });
    expect(three.MessageId).not.toBe(one.MessageId);
  });

  it('ask for a group and a deduplication id', async () => {
    const url = await fifo();
    await expect(sqs.send(url, 'x')).rejects.toMatchObject({ name: 'MissingParameter' });
    await expect(sqs.send(url, 'x', { MessageGroupId: 'g' })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });
});
