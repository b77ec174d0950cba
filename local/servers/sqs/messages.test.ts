import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  ListDeadLetterSourceQueuesCommand,
  MessageNotInflight,
  PurgeQueueCommand,
  ReceiptHandleIsInvalid,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodies, TestSqs } from './testing/start.ts';

let sqs: TestSqs;
beforeAll(async () => {
  sqs = await TestSqs.start();
});
afterAll(() => sqs.stop());

describe('messages', () => {
  it('go through with attributes, digests and counts', async () => {
    const url = await sqs.newQueue();
    const sent = await sqs.send(url, 'héllo <&>', {
      MessageAttributes: {
        kind: { DataType: 'String', StringValue: 'test' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2, 3) },
      },
    });
    expect(await sqs.attributes(url)).toMatchObject({ ApproximateNumberOfMessages: '1' });
    const [message] = await sqs.receive(url, { MessageAttributeNames: ['All'] });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'héllo <&>',
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: { ApproximateReceiveCount: '1', SenderId: 'KEY' },
    });
    expect(message?.MessageAttributes?.raw?.BinaryValue).toEqual(Uint8Array.of(1, 2, 3));
    expect(await sqs.attributes(url)).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '1',
    });
    await sqs.client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle }));
    expect(await sqs.attributes(url)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '0' });
  });

  it("have AWS's digest of attributes", async () => {
    // MD5 over name, type, transport byte and value with their lengths, computed by hand for `a` = String `b`.
    const url = await sqs.newQueue();
    const { MD5OfMessageAttributes } = await sqs.send(url, 'x', {
      MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } },
    });
    const bytes = Buffer.from('0000000161' + '00000006537472696e67' + '01' + '0000000162', 'hex');
    expect(MD5OfMessageAttributes).toBe(createHash('md5').update(bytes).digest('hex'));
  });

  it('are hidden when received, come back when the time is over, and only the newest receipt deletes', async () => {
    const url = await sqs.newQueue({ VisibilityTimeout: '30' });
    await sqs.send(url, 'again');
    const [first] = await sqs.receive(url);
    expect(await sqs.receive(url)).toEqual([]);
    sqs.pass(31_000);
    const [second] = await sqs.receive(url);
    expect(second).toMatchObject({ MessageId: first?.MessageId, Attributes: { ApproximateReceiveCount: '2' } });
    await sqs.client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle }));
    expect(await sqs.attributes(url)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '1' });
    await sqs.client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: second?.ReceiptHandle }));
    sqs.pass(31_000);
    expect(await sqs.receive(url)).toEqual([]);
  });

  it('change their visibility, to zero as well', async () => {
    const url = await sqs.newQueue();
    await sqs.send(url, 'x');
    const [message] = await sqs.receive(url);
    const change = (VisibilityTimeout: number) =>
      sqs.client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout }),
      );
    await change(100);
    sqs.pass(60_000);
    expect(await sqs.receive(url)).toEqual([]);
    await change(0);
    const [again] = await sqs.receive(url);
    expect(again?.MessageId).toBe(message?.MessageId);
    await expect(change(10)).rejects.toBeInstanceOf(MessageNotInflight);
    const unreadable = sqs.client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: 'nonsense', VisibilityTimeout: 1 }),
    );
    await expect(unreadable).rejects.toBeInstanceOf(ReceiptHandleIsInvalid);
  });

  it('may be delayed', async () => {
    const url = await sqs.newQueue();
    await sqs.send(url, 'later', { DelaySeconds: 10 });
    expect(await sqs.receive(url)).toEqual([]);
    expect(await sqs.attributes(url)).toMatchObject({ ApproximateNumberOfMessagesDelayed: '1' });
    sqs.pass(10_001);
    expect(bodies(await sqs.receive(url))).toEqual(['later']);
  });

  it('wake a receiver that waits for them', async () => {
    const url = await sqs.newQueue();
    const waiting = sqs.receive(url, { WaitTimeSeconds: 20 });
    const startedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sqs.send(url, 'fresh');
    expect(bodies(await waiting)).toEqual(['fresh']);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  it('come to a waiting receiver when their visibility timeout ends', async () => {
    const url = await sqs.newQueue({ VisibilityTimeout: '1' });
    await sqs.send(url, 'back');
    await sqs.receive(url);
    expect(bodies(await sqs.receive(url, { WaitTimeSeconds: 5 }))).toEqual(['back']);
  });

  it('are not taken by a receiver that has gone', async () => {
    const url = await sqs.newQueue();
    const aborter = new AbortController();
    const waiting = sqs.client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
      abortSignal: aborter.signal,
    });
    setTimeout(() => aborter.abort(), 100);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sqs.send(url, 'for the next one');
    expect(bodies(await sqs.receive(url))).toEqual(['for the next one']);
  });

  it('go by batches in which each entry stands for itself', async () => {
    const url = await sqs.newQueue();
    const sent = await sqs.client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'a', MessageBody: '1' },
          { Id: 'b', MessageBody: '\u0001' },
          { Id: 'c', MessageBody: '3' },
        ],
      }),
    );
    expect(sent.Successful?.map((one) => one.Id)).toEqual(['a', 'c']);
    expect(sent.Failed).toMatchObject([{ Id: 'b', Code: 'InvalidMessageContents', SenderFault: true }]);
    const messages = await sqs.receive(url);
    expect(bodies(messages)).toEqual(['1', '3']);
    const Entries = messages.map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
    const changed = await sqs.client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: Entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 })),
      }),
    );
    expect(changed.Successful).toHaveLength(2);
    const again = await sqs.receive(url);
    const deleted = await sqs.client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: '0', ReceiptHandle: again[0]?.ReceiptHandle },
          { Id: '1', ReceiptHandle: 'nonsense' },
        ],
      }),
    );
    expect(deleted).toMatchObject({ Successful: [{ Id: '0' }], Failed: [{ Id: '1', Code: 'ReceiptHandleIsInvalid' }] });
    const twice = sqs.client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'a', MessageBody: '1' },
          { Id: 'a', MessageBody: '2' },
        ],
      }),
    );
    await expect(twice).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
  });

  it('may be purged, expire after the retention period, and have a limit', async () => {
    const url = await sqs.newQueue({ MessageRetentionPeriod: '60', MaximumMessageSize: '1024' });
    await sqs.send(url, 'x');
    await sqs.client.send(new PurgeQueueCommand({ QueueUrl: url }));
    expect(await sqs.receive(url)).toEqual([]);
    await sqs.send(url, 'old');
    sqs.pass(61_000);
    await sqs.send(url, 'young');
    expect(bodies(await sqs.receive(url))).toEqual(['young']);
    await expect(sqs.send(url, 'x'.repeat(1025))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  it('go to the dead-letter queue when they were received too often', async () => {
    const dead = await sqs.newQueue();
    const { QueueArn } = await sqs.attributes(dead);
    const url = await sqs.newQueue();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 2 });
    await sqs.client.send(
      new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy, VisibilityTimeout: '1' } }),
    );
    const sent = await sqs.send(url, 'poison');
    for (let receives = 1; receives <= 2; receives++) {
      expect(bodies(await sqs.receive(url))).toEqual(['poison']);
      sqs.pass(1001);
    }
    expect(await sqs.receive(url)).toEqual([]);
    expect(await sqs.receive(dead)).toMatchObject([{ MessageId: sent.MessageId, Body: 'poison' }]);
    const sources = await sqs.client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    expect(sources.queueUrls).toEqual([url]);
  });
});
