import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '@aws-sdk/client-sqs';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  MessageNotInflight,
  PurgeQueueCommand,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiptHandleIsInvalid,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer, ServiceCall } from '../../types.ts';
import { startSqs } from './server.ts';

const region = 'eu-west-1';
const accountId = '111122223333';
let dataDir: string;
let server: EmbeddedServer;
let client: SQSClient;
let shiftMs = 0;
let calls: ServiceCall[] = [];
let denied: (call: ServiceCall) => boolean = () => false;
let counter = 0;

const options = () => ({
  dataDir,
  region,
  accountId,
  nowMs: () => Date.now() + shiftMs,
  secretOf: (id: string) => (id === 'KEY' ? 'SECRET' : undefined),
  authorize: (call: ServiceCall) => {
    calls.push(call);
    return denied(call)
      ? { allowed: false as const, message: `not authorized to perform: ${call.action}` }
      : { allowed: true as const };
  },
});
const clientFor = (url: string, secretAccessKey = 'SECRET') =>
  new SQSClient({ endpoint: url, region, credentials: { accessKeyId: 'KEY', secretAccessKey }, maxAttempts: 1 });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-sqs-'));
  server = await startSqs(options());
  client = clientFor(server.url);
});
beforeEach(() => {
  calls = [];
  denied = () => false;
});
afterAll(async () => {
  client.destroy();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function newQueue(Attributes: Record<string, string> = {}): Promise<string> {
  counter++;
  const QueueName = `queue-${counter}${Attributes.FifoQueue ? '.fifo' : ''}`;
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl ?? '';
}
const send = (QueueUrl: string, MessageBody: string, more: object = {}) =>
  client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
async function receive(QueueUrl: string, more: object = {}): Promise<Message[]> {
  const answer = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'], ...more }),
  );
  return answer.Messages ?? [];
}
const bodies = (messages: readonly Message[]) => messages.map((message) => message.Body);
async function attributes(QueueUrl: string): Promise<Record<string, string>> {
  const answer = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return answer.Attributes ?? {};
}

describe('queues', () => {
  it('are created, found, listed, tagged and deleted', async () => {
    const QueueUrl = await newQueue({ VisibilityTimeout: '60' });
    const QueueName = QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1);
    expect(QueueUrl).toBe(`${server.url}/${accountId}/${QueueName}`);
    expect((await client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl).toBe(QueueUrl);
    expect((await client.send(new ListQueuesCommand({ QueueNamePrefix: QueueName }))).QueueUrls).toEqual([QueueUrl]);
    expect(await attributes(QueueUrl)).toMatchObject({
      QueueArn: `arn:aws:sqs:${region}:${accountId}:${QueueName}`,
      VisibilityTimeout: '60',
      ApproximateNumberOfMessages: '0',
    });
    await client.send(new TagQueueCommand({ QueueUrl, Tags: { a: '1', b: '2' } }));
    await client.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['a'] }));
    expect((await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ b: '2' });
    await client.send(new DeleteQueueCommand({ QueueUrl }));
    await expect(client.send(new GetQueueUrlCommand({ QueueName }))).rejects.toBeInstanceOf(QueueDoesNotExist);
    await expect(send(QueueUrl, 'x')).rejects.toBeInstanceOf(QueueDoesNotExist);
  });

  it('are created again only with the same attributes', async () => {
    const QueueUrl = await newQueue({ VisibilityTimeout: '60' });
    const QueueName = QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1);
    const again = (VisibilityTimeout: string) =>
      client.send(new CreateQueueCommand({ QueueName, Attributes: { VisibilityTimeout } }));
    expect((await again('60')).QueueUrl).toBe(QueueUrl);
    await expect(again('61')).rejects.toBeInstanceOf(QueueNameExists);
  });

  it('refuse attributes that do not exist or are out of range', async () => {
    await expect(newQueue({ VisibilityTimeout: '43201' })).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
    await expect(newQueue({ Visibility: '1' })).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await expect(newQueue({ RedrivePolicy: '{}' })).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
  });
});

describe('messages', () => {
  it('go through with attributes, digests and counts', async () => {
    const url = await newQueue();
    const sent = await send(url, 'héllo <&>', {
      MessageAttributes: {
        kind: { DataType: 'String', StringValue: 'test' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2, 3) },
      },
    });
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessages: '1' });
    const [message] = await receive(url, { MessageAttributeNames: ['All'] });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'héllo <&>',
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: { ApproximateReceiveCount: '1', SenderId: 'KEY' },
    });
    expect(message?.MessageAttributes?.raw?.BinaryValue).toEqual(Uint8Array.of(1, 2, 3));
    expect(await attributes(url)).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '1',
    });
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle }));
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '0' });
  });

  it("have AWS's digest of attributes", async () => {
    // MD5 over name, type, transport byte and value with their lengths, computed by hand for `a` = String `b`.
    const url = await newQueue();
    const { MD5OfMessageAttributes } = await send(url, 'x', {
      MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } },
    });
    const { createHash } = await import('node:crypto');
    const bytes = Buffer.from('0000000161' + '00000006537472696e67' + '01' + '0000000162', 'hex');
    expect(MD5OfMessageAttributes).toBe(createHash('md5').update(bytes).digest('hex'));
  });

  it('are hidden when received, come back when the time is over, and only the newest receipt deletes', async () => {
    const url = await newQueue({ VisibilityTimeout: '30' });
    await send(url, 'again');
    const [first] = await receive(url);
    expect(await receive(url)).toEqual([]);
    shiftMs += 31_000;
    const [second] = await receive(url);
    expect(second).toMatchObject({ MessageId: first?.MessageId, Attributes: { ApproximateReceiveCount: '2' } });
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle }));
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '1' });
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: second?.ReceiptHandle }));
    shiftMs += 31_000;
    expect(await receive(url)).toEqual([]);
  });

  it('change their visibility, to zero as well', async () => {
    const url = await newQueue();
    await send(url, 'x');
    const [message] = await receive(url);
    const change = (VisibilityTimeout: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout }),
      );
    await change(100);
    shiftMs += 60_000;
    expect(await receive(url)).toEqual([]);
    await change(0);
    const [again] = await receive(url);
    expect(again?.MessageId).toBe(message?.MessageId);
    await expect(change(10)).rejects.toBeInstanceOf(MessageNotInflight);
    const unreadable = client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: 'nonsense', VisibilityTimeout: 1 }),
    );
    await expect(unreadable).rejects.toBeInstanceOf(ReceiptHandleIsInvalid);
  });

  it('may be delayed', async () => {
    const url = await newQueue();
    await send(url, 'later', { DelaySeconds: 10 });
    expect(await receive(url)).toEqual([]);
    expect(await attributes(url)).toMatchObject({ ApproximateNumberOfMessagesDelayed: '1' });
    shiftMs += 10_001;
    expect(bodies(await receive(url))).toEqual(['later']);
  });

  it('wake a receiver that waits for them', async () => {
    const url = await newQueue();
    const waiting = receive(url, { WaitTimeSeconds: 20 });
    const startedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await send(url, 'fresh');
    expect(bodies(await waiting)).toEqual(['fresh']);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  it('come to a waiting receiver when their visibility timeout ends', async () => {
    const url = await newQueue({ VisibilityTimeout: '1' });
    await send(url, 'back');
    await receive(url);
    expect(bodies(await receive(url, { WaitTimeSeconds: 5 }))).toEqual(['back']);
  });

  it('are not taken by a receiver that has gone', async () => {
    const url = await newQueue();
    const aborter = new AbortController();
    const waiting = client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
      abortSignal: aborter.signal,
    });
    setTimeout(() => aborter.abort(), 100);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await send(url, 'for the next one');
    expect(bodies(await receive(url))).toEqual(['for the next one']);
  });

  it('go by batches in which each entry stands for itself', async () => {
    const url = await newQueue();
    const sent = await client.send(
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
    const messages = await receive(url);
    expect(bodies(messages)).toEqual(['1', '3']);
    const Entries = messages.map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
    const changed = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: Entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 })),
      }),
    );
    expect(changed.Successful).toHaveLength(2);
    const again = await receive(url);
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: '0', ReceiptHandle: again[0]?.ReceiptHandle },
          { Id: '1', ReceiptHandle: 'nonsense' },
        ],
      }),
    );
    expect(deleted).toMatchObject({ Successful: [{ Id: '0' }], Failed: [{ Id: '1', Code: 'ReceiptHandleIsInvalid' }] });
    const twice = client.send(
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
    const url = await newQueue({ MessageRetentionPeriod: '60', MaximumMessageSize: '1024' });
    await send(url, 'x');
    await client.send(new PurgeQueueCommand({ QueueUrl: url }));
    expect(await receive(url)).toEqual([]);
    await send(url, 'old');
    shiftMs += 61_000;
    await send(url, 'young');
    expect(bodies(await receive(url))).toEqual(['young']);
    await expect(send(url, 'x'.repeat(1025))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  it('go to the dead-letter queue when they were received too often', async () => {
    const dead = await newQueue();
    const { QueueArn } = await attributes(dead);
    const url = await newQueue();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 2 });
    await client.send(
      new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy, VisibilityTimeout: '1' } }),
    );
    const sent = await send(url, 'poison');
    for (let receives = 1; receives <= 2; receives++) {
      expect(bodies(await receive(url))).toEqual(['poison']);
      shiftMs += 1001;
    }
    expect(await receive(url)).toEqual([]);
    expect(await receive(dead)).toMatchObject([{ MessageId: sent.MessageId, Body: 'poison' }]);
    const sources = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    expect(sources.queueUrls).toEqual([url]);
  });
});

describe('FIFO queues', () => {
  const fifo = (more: Record<string, string> = {}) => newQueue({ FifoQueue: 'true', ...more });
  const into = (MessageGroupId: string, MessageDeduplicationId: string) => ({ MessageGroupId, MessageDeduplicationId });

  it('keep the order of each group, and hold a group while one of its messages is out', async () => {
    const url = await fifo();
    await send(url, 'a1', into('a', '1'));
    await send(url, 'a2', into('a', '2'));
    await send(url, 'b1', into('b', '3'));
    const [first] = await receive(url, { MaxNumberOfMessages: 1 });
    expect(first).toMatchObject({ Body: 'a1', Attributes: { MessageGroupId: 'a', MessageDeduplicationId: '1' } });
    expect(bodies(await receive(url))).toEqual(['b1']);
    expect(await receive(url)).toEqual([]);
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle }));
    expect(bodies(await receive(url))).toEqual(['a2']);
  });

  it('hand out several messages of a group in one batch, and hold the group for the later ones, too', async () => {
    const url = await fifo();
    for (const id of ['1', '2', '3']) await send(url, `a${id}`, into('a', id));
    const [first] = await receive(url, { MaxNumberOfMessages: 2 });
    await client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle, VisibilityTimeout: 0 }),
    );
    expect(await receive(url)).toEqual([]);
  });

  it('drop duplicates for five minutes, by id or by content', async () => {
    const url = await fifo({ ContentBasedDeduplication: 'true' });
    const one = await send(url, 'same', { MessageGroupId: 'g' });
    const two = await send(url, 'same', { MessageGroupId: 'g' });
    expect(two).toMatchObject({ MessageId: one.MessageId, SequenceNumber: one.SequenceNumber });
    expect(await receive(url)).toHaveLength(1);
    shiftMs += 5 * 60_000 + 1;
    const three = await send(url, 'same', { MessageGroupId: 'g' });
    expect(three.MessageId).not.toBe(one.MessageId);
  });

  it('ask for a group and a deduplication id', async () => {
    const url = await fifo();
    await expect(send(url, 'x')).rejects.toMatchObject({ name: 'MissingParameter' });
    await expect(send(url, 'x', { MessageGroupId: 'g' })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });
});

describe('permission and state', () => {
  it('asks for the action on the queue, batches for that of the single call', async () => {
    const url = await newQueue();
    calls = [];
    await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: 'a', MessageBody: 'x' }] }));
    await receive(url);
    const resource = `arn:aws:sqs:${region}:${accountId}:${url.slice(url.lastIndexOf('/') + 1)}`;
    expect(calls).toEqual([
      { accessKeyId: 'KEY', action: 'sqs:SendMessage', resource },
      { accessKeyId: 'KEY', action: 'sqs:ReceiveMessage', resource },
    ]);
  });

  it('refuses what the role may not do, without doing it', async () => {
    const url = await newQueue();
    denied = (call) => call.action === 'sqs:SendMessage';
    await expect(send(url, 'x')).rejects.toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
      message: expect.stringContaining('sqs:SendMessage'),
      $metadata: { httpStatusCode: 403 },
    });
    expect(await receive(url)).toEqual([]);
  });

  it('refuses a wrong secret and calls that it does not model', async () => {
    const stranger = clientFor(server.url, 'OTHER');
    await expect(stranger.send(new ListQueuesCommand({}))).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    stranger.destroy();
    const move = client.send(new StartMessageMoveTaskCommand({ SourceArn: 'arn:aws:sqs:x:y:z' }));
    await expect(move).rejects.toMatchObject({ name: 'UnsupportedOperation' });
  });

  it('keeps queues, messages and receipts over a restart, under new addresses, too', async () => {
    const url = await newQueue({ VisibilityTimeout: '600' });
    await send(url, 'in flight');
    const [message] = await receive(url);
    await send(url, 'waiting');
    await expect(startSqs(options())).rejects.toMatchObject({ code: 'data-in-use' });
    await server.close();
    client.destroy();
    server = await startSqs(options());
    client = clientFor(server.url);
    const QueueName = url.slice(url.lastIndexOf('/') + 1);
    const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName }));
    expect(bodies(await receive(QueueUrl))).toEqual(['waiting']);
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    expect(await attributes(QueueUrl)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '1' });
  });
});
