import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  SendMessageBatchCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSqs } from './server.ts';
import { ACCOUNT_ID, bodies, nameOf, REGION, sqsClient, TestSqs } from './testing/start.ts';

let sqs: TestSqs;
beforeAll(async () => {
  sqs = await TestSqs.start();
});
beforeEach(() => {
  sqs.calls = [];
  sqs.denied = () => false;
});
afterAll(() => sqs.stop());

describe('permission and state', () => {
  it('asks for the action on the queue, batches for that of the single call', async () => {
    const url = await sqs.newQueue();
    sqs.calls = [];
    await sqs.client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: 'a', MessageBody: 'x' }] }));
    await sqs.receive(url);
    const resource = `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${nameOf(url)}`;
    expect(sqs.calls).toEqual([
      { accessKeyId: 'KEY', action: 'sqs:SendMessage', resource },
      { accessKeyId: 'KEY', action: 'sqs:ReceiveMessage', resource },
    ]);
  });

  it('refuses what the role may not do, without doing it', async () => {
    const url = await sqs.newQueue();
    sqs.denied = (call) => call.action === 'sqs:SendMessage';
    await expect(sqs.send(url, 'x')).rejects.toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
      message: expect.stringContaining('sqs:SendMessage'),
      $metadata: { httpStatusCode: 403 },
    });
    expect(await sqs.receive(url)).toEqual([]);
  });

  it('refuses a wrong secret and sqs.calls that it does not model', async () => {
    const stranger = sqsClient(sqs.server.url, 'OTHER');
    await expect(stranger.send(new ListQueuesCommand({}))).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    stranger.destroy();
    const move = sqs.client.send(new StartMessageMoveTaskCommand({ SourceArn: 'arn:aws:sqs:x:y:z' }));
    await expect(move).rejects.toMatchObject({ name: 'UnsupportedOperation' });
  });

  it('keeps queues, messages and receipts over a restart, under new addresses, too', async () => {
    const url = await sqs.newQueue({ VisibilityTimeout: '600' });
    await sqs.send(url, 'in flight');
    const [message] = await sqs.receive(url);
    await sqs.send(url, 'waiting');
    await expect(startSqs(sqs.options)).rejects.toMatchObject({ code: 'data-in-use' });
    await sqs.restart();
    const QueueName = nameOf(url);
    const { QueueUrl = '' } = await sqs.client.send(new GetQueueUrlCommand({ QueueName }));
    expect(bodies(await sqs.receive(QueueUrl))).toEqual(['waiting']);
    await sqs.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    expect(await sqs.attributes(QueueUrl)).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '1' });
  });
});
