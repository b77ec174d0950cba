/** A server on a fresh folder for a test, and what its tests do most. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '@aws-sdk/client-sqs';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { EmbeddedServer, ServiceCall } from '../../../types.ts';
import type { SqsOptions } from '../server.ts';
import { startSqs } from '../server.ts';

export const REGION = 'eu-west-1';
export const ACCOUNT_ID = '111122223333';

export class TestSqs {
  readonly options: SqsOptions;
  server: EmbeddedServer;
  client: SQSClient;
  /** Calls that were asked about. */
  calls: ServiceCall[] = [];
  /** Which calls are refused. Default none. */
  denied: (call: ServiceCall) => boolean = () => false;
  #shiftMs = 0;
  #queues = 0;

  private constructor(options: SqsOptions, server: EmbeddedServer) {
    this.options = options;
    this.server = server;
    this.client = sqsClient(server.url);
  }

  static async start(): Promise<TestSqs> {
    const dataDir = await mkdtemp(join(tmpdir(), 'kbroker-sqs-'));
    let test: TestSqs | undefined;
    const options: SqsOptions = {
      dataDir,
      region: REGION,
      accountId: ACCOUNT_ID,
      nowMs: () => test?.nowMs() ?? Date.now(),
      secretOf: (id) => (id === 'KEY' ? 'SECRET' : undefined),
      authorize: (call) => {
        test?.calls.push(call);
        return test?.denied(call)
          ? { allowed: false, message: `not authorized to perform: ${call.action}` }
          : { allowed: true };
      },
    };
    test = new TestSqs(options, await startSqs(options));
    return test;
  }

  async restart(): Promise<void> {
    this.client.destroy();
    await this.server.close();
    this.server = await startSqs(this.options);
    this.client = sqsClient(this.server.url);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.server.close();
    await rm(this.options.dataDir, { recursive: true, force: true });
  }

  nowMs(): number {
    return Date.now() + this.#shiftMs;
  }

  /** Lets the server's clock jump forward. */
  pass(ms: number): void {
    this.#shiftMs += ms;
  }

  /** Creates a queue with a name of its own; returns its address. */
  async newQueue(Attributes: Record<string, string> = {}): Promise<string> {
    this.#queues++;
    const QueueName = `queue-${this.#queues}${Attributes.FifoQueue ? '.fifo' : ''}`;
    const { QueueUrl } = await this.client.send(new CreateQueueCommand({ QueueName, Attributes }));
    return QueueUrl ?? '';
  }

  send(QueueUrl: string, MessageBody: string, more: object = {}) {
    return this.client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
  }

  async receive(QueueUrl: string, more: object = {}): Promise<Message[]> {
    const answer = await this.client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'], ...more }),
    );
    return answer.Messages ?? [];
  }

  async attributes(QueueUrl: string): Promise<Record<string, string>> {
    const answer = await this.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    return answer.Attributes ?? {};
  }
}

export function sqsClient(url: string, secretAccessKey = 'SECRET'): SQSClient {
  return new SQSClient({
    endpoint: url,
    region: REGION,
    credentials: { accessKeyId: 'KEY', secretAccessKey },
    maxAttempts: 1,
  });
}

export const bodies = (messages: readonly Message[]) => messages.map((message) => message.Body);
export const nameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);
