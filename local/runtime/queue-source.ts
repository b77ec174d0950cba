/**
 * Polls a queue for a function, as a Lambda event source mapping does, with the function's own role.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 *
 * A standard queue promises neither order nor a single delivery. Here both are broken on purpose, by seed: batches are
 * shuffled, and a share of the messages is handed out a second time with the same message id, either while the first
 * delivery is still worked on or after it, as happens on AWS when the server that holds a copy missed the deletion. A FIFO
 * queue keeps the order of each group; a message of it comes twice only after its first delivery, when the deletion got lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Credentials, StackLogLine } from '#local/types.ts';
import { readBatchResult } from './batch-result.ts';
import type { FunctionRunner } from './lambda/function-runner.ts';
import { type Random, shuffled } from './random.ts';

/** Longest that SQS lets a receiver wait. */
const waitSeconds = 20;
/** Most messages that SQS gives at once, and takes back at once. */
const sqsBatch = 10;
const retryMilliseconds = 1000;

export interface QueueSourceOptions {
  readonly runner: FunctionRunner;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly endpoint: string;
  readonly region: string;
  /** Of the function's role. */
  readonly credentials: Credentials;
  readonly batchSize: number;
  readonly windowMilliseconds: number;
  readonly reportsItemFailures: boolean;
  /** Batches worked on at a time. */
  readonly concurrency: number;
  readonly random: Random;
  /** Share of deliveries that come twice, 0 to 1. */
  readonly duplicates: number;
  readonly log: (line: StackLogLine) => void;
}

export class QueueSource {
  readonly #options: QueueSourceOptions;
  readonly #sqs: SQSClient;
  readonly #stop = new AbortController();
  #pollers: readonly Promise<void>[] = [];
  /** Second deliveries that run beside the first. */
  readonly #extra = new Set<Promise<void>>();
  #batches = 0;

  constructor(options: QueueSourceOptions) {
    this.#options = options;
    const { region, endpoint, credentials } = options;
    this.#sqs = new SQSClient({ region, endpoint, credentials });
  }

  start(): void {
    this.#pollers = Array.from({ length: this.#options.concurrency }, () => this.#poll());
  }

  get #fifo(): boolean {
    return this.#options.queueArn.endsWith('.fifo');
  }

  get queueUrl(): string {
    return this.#options.queueUrl;
  }

  /** True while a batch is worked on. */
  get busy(): boolean {
    return this.#batches > 0;
  }

  /** Stops receiving. Running batches end with their processes; their messages become visible again. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#pollers, ...this.#extra]);
    this.#sqs.destroy();
  }

  async #poll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const messages = await this.#receive();
        if (messages.length > 0) await this.#deliver(messages);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#log('warn', `cannot poll ${this.#options.queueUrl}: ${String(error)}`);
        // Only stopping breaks the pause off, and the loop ends then.
        await sleep(retryMilliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  /** A batch as large as wanted, or as large as it became within the batching window. */
  async #receive(): Promise<Message[]> {
    const { queueUrl, batchSize, windowMilliseconds } = this.#options;
    const messages: Message[] = [];
    let deadline = Number.POSITIVE_INFINITY;
    while (messages.length < batchSize && Date.now() < deadline) {
      const left = Math.min(waitSeconds, Math.ceil((deadline - Date.now()) / 1000));
      const received = await this.#sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(sqsBatch, batchSize - messages.length),
          WaitTimeSeconds: left,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
        { abortSignal: this.#stop.signal },
      );
      messages.push(...(received.Messages ?? []));
      if (messages.length === 0 || windowMilliseconds === 0) break;
      if (deadline === Number.POSITIVE_INFINITY) deadline = Date.now() + windowMilliseconds;
    }
    return messages;
  }

  async #deliver(messages: readonly Message[]): Promise<void> {
    this.#batches += 1;
    try {
      const { random, duplicates } = this.#options;
      const again = messages.filter(() => random.next() < duplicates);
      const beside = this.#fifo ? [] : again.filter(() => random.next() < 0.5);
      if (beside.length > 0) this.#deliverBeside(beside);
      await this.#work(messages);
      const after = again.filter((message) => !beside.includes(message));
      if (after.length > 0) await this.#work(after);
    } finally {
      this.#batches -= 1;
    }
  }

  #deliverBeside(messages: readonly Message[]): void {
    this.#batches += 1;
    const extra = this.#work(messages)
      .catch((error: unknown) => this.#log('warn', `second delivery: ${String(error)}`))
      .finally(() => {
        this.#batches -= 1;
        this.#extra.delete(extra);
      });
    this.#extra.add(extra);
  }

  async #work(messages: readonly Message[]): Promise<void> {
    const { runner, random, reportsItemFailures } = this.#options;
    if (this.#stop.signal.aborted) return;
    const ordered = this.#fifo ? messages : shuffled(messages, random);
    const records = ordered.map((message) => this.#record(message));
    const outcome = await runner.invoke(JSON.stringify({ Records: records }));
    if (!outcome.ok) {
      this.#log('warn', `${messages.length} messages stay on ${this.#options.queueUrl}: ${outcome.message}`);
      return;
    }
    const ids = new Set(messages.map((message) => message.MessageId ?? ''));
    const result = reportsItemFailures
      ? readBatchResult(outcome.payload, ids)
      : { kind: 'done' as const, failed: new Set<string>() };
    if (result.kind === 'invalid') {
      this.#log('error', `the whole batch counts as failed: ${result.reason}`);
      return;
    }
    if (result.failed.size > 0) this.#log('info', `${result.failed.size} of ${ids.size} messages stay: they failed`);
    await this.#delete(messages.filter((message) => !result.failed.has(message.MessageId ?? '')));
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    for (let start = 0; start < messages.length; start += sqsBatch) {
      const Entries = messages.slice(start, start + sqsBatch).map((message, index) => ({
        Id: String(index),
        ReceiptHandle: message.ReceiptHandle,
      }));
      await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.#options.queueUrl, Entries }));
    }
  }

  #record(message: Message): object {
    return {
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes ?? {},
      messageAttributes: Object.fromEntries(
        Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, recordAttribute(value)]),
      ),
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: this.#options.queueArn,
      awsRegion: this.#options.region,
    };
  }

  #log(level: StackLogLine['level'], message: string): void {
    this.#options.log({ source: `${this.#options.runner.name} queue`, level, message });
  }
}

const recordAttribute = (value: MessageAttributeValue): object => ({
  dataType: value.DataType,
  stringListValues: [],
  binaryListValues: [],
  ...(value.StringValue === undefined ? {} : { stringValue: value.StringValue }),
  ...(value.BinaryValue === undefined ? {} : { binaryValue: Buffer.from(value.BinaryValue).toString('base64') }),
});
