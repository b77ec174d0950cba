/**
 * Reads a table's stream for a function, as a Lambda event source mapping does, with the function's own role.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 *
 * Records of a shard come in their order, batch by batch, and the next batch only when the one before is done: a batch
 * that fails is tried again, whole or in halves, until it succeeds, its records are too old, or the attempts are used up;
 * then it goes to the destination for failures. How far each shard is done is kept in the data folder.
 *
 * Lambda promises each record at least once. Here that is taken at its word, by seed: a share of the batches is handed
 * over a second time after it was done, as happens on AWS when a poller dies before it has noted how far it was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Credentials, StackLogLine } from '#local/types.ts';
import { readBatchResult } from './batch-result.ts';
import type { FunctionRunner } from './lambda/function-runner.ts';
import type { Random } from './random.ts';
import type { StreamPositions } from './stream-positions.ts';
import { type BatchRecord, batchRecord, failureMessage, roomFor } from './stream-record.ts';

/** How long an empty shard is left alone. Lambda looks four times a second. */
const pollMilliseconds = 100;
/** Pause before the next attempt: doubled from the first to the last. */
const retryMilliseconds = { first: 200, last: 60_000 } as const;

export interface StreamSourceOptions {
  readonly runner: FunctionRunner;
  readonly streamArn: string;
  readonly endpoint: string;
  readonly sqsEndpoint: string;
  readonly region: string;
  /** Of the function's role. */
  readonly credentials: Credentials;
  readonly positions: StreamPositions;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly batchSize: number;
  readonly windowMilliseconds: number;
  readonly reportsItemFailures: boolean;
  readonly bisects: boolean;
  /** Attempts after the first; undefined for no bound. */
  readonly maximumRetries: number | undefined;
  /** Undefined for no bound. */
  readonly maximumAgeMilliseconds: number | undefined;
  /** Address of the queue for what was given up; undefined: it is dropped. */
  readonly onFailureQueueUrl: string | undefined;
  /** Divides the pauses between attempts. */
  readonly speed: number;
  readonly random: Random;
  /** Share of batches that come twice, 0 to 1. */
  readonly duplicates: number;
  readonly log: (line: StackLogLine) => void;
}

/** Somebody who waits until all is read. */
interface Waiter {
  /** Shards that have yet to be seen empty. */
  readonly shards: Set<string>;
  readonly resolve: () => void;
}

export class StreamSource {
  readonly #options: StreamSourceOptions;
  readonly #streams: DynamoDBStreamsClient;
  readonly #sqs: SQSClient;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #shards: readonly string[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(options: StreamSourceOptions) {
    this.#options = options;
    const { region, endpoint, sqsEndpoint, credentials } = options;
    this.#streams = new DynamoDBStreamsClient({ region, endpoint, credentials });
    this.#sqs = new SQSClient({ region, endpoint: sqsEndpoint, credentials });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when all records that are there now were worked on. Batching windows are cut short until then. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      // Before the shards are known, whichever there are have to be seen.
      this.#waiters.add({ shards: new Set(this.#shards.length === 0 ? [''] : this.#shards), resolve });
    });
  }

  /** Stops reading. A running batch ends with its process, and comes again after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const waiter of this.#waiters) waiter.resolve();
    this.#streams.destroy();
    this.#sqs.destroy();
  }

  async #run(): Promise<void> {
    while (this.#shards.length === 0 && !this.#stop.signal.aborted) {
      try {
        const { StreamDescription } = await this.#streams.send(
          new DescribeStreamCommand({ StreamArn: this.#options.streamArn }),
          { abortSignal: this.#stop.signal },
        );
        this.#shards = (StreamDescription?.Shards ?? []).flatMap(({ ShardId }) => ShardId ?? []);
      } catch (error) {
        await this.#afterFailure('describe the stream', error);
        continue;
      }
      // A stream without a shard has no record.
      if (this.#shards.length === 0) {
        for (const waiter of this.#waiters) this.#seenEmpty('', waiter);
        await this.#pause(pollMilliseconds);
      }
    }
    for (const waiter of this.#waiters) {
      if (waiter.shards.delete('')) for (const shard of this.#shards) waiter.shards.add(shard);
    }
    await Promise.all(this.#shards.map((shard) => this.#read(shard)));
  }

  async #read(shard: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#readOn(shard);
      } catch (error) {
        await this.#afterFailure(`read ${shard}`, error);
      }
    }
  }

  /** Until something fails. */
  async #readOn(shard: string): Promise<void> {
    let iterator = await this.#iterator(shard);
    while (!this.#stop.signal.aborted) {
      const batch: BatchRecord[] = [];
      let bytes = 0;
      let deadline = Number.POSITIVE_INFINITY;
      for (;;) {
        const waiting = [...this.#waiters];
        const { Records = [], NextShardIterator } = await this.#streams.send(
          new GetRecordsCommand({ ShardIterator: iterator, Limit: this.#options.batchSize - batch.length }),
          { abortSignal: this.#stop.signal },
        );
        const found = Records.map((record) => batchRecord(record, this.#options.streamArn));
        iterator = NextShardIterator;
        const room = roomFor(found, bytes);
        batch.push(...found.slice(0, room));
        bytes = batch.reduce((sum, { json }) => sum + json.length, 0);
        if (room < found.length) {
          // What does not fit into one invocation is read again behind the batch.
          iterator = await this.#iterator(shard, batch.at(-1)?.sequence);
          break;
        }
        if (batch.length === 0) {
          for (const waiter of waiting) this.#seenEmpty(shard, waiter);
          await this.#pause(pollMilliseconds);
          if (this.#stop.signal.aborted) return;
          continue;
        }
        if (deadline === Number.POSITIVE_INFINITY) deadline = Date.now() + this.#options.windowMilliseconds;
        if (batch.length >= this.#options.batchSize || Date.now() >= deadline) break;
        if (found.length > 0) continue;
        if (this.#waiters.size > 0) break;
        await this.#pause(Math.min(pollMilliseconds, deadline - Date.now()));
        if (this.#stop.signal.aborted) return;
      }
      await this.#deliver(shard, batch);
    }
  }

  async #iterator(shard: string, after = this.#options.positions.get(shard)): Promise<string | undefined> {
    const { streamArn, startingPosition } = this.#options;
    const { ShardIterator } = await this.#streams.send(
      new GetShardIteratorCommand({
        StreamArn: streamArn,
        ShardId: shard,
        ...(after === undefined
          ? { ShardIteratorType: startingPosition }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after }),
      }),
      { abortSignal: this.#stop.signal },
    );
    return ShardIterator;
  }

  async #deliver(shard: string, batch: readonly BatchRecord[]): Promise<void> {
    await this.#work(shard, batch, 0);
    const last = batch.at(-1);
    if (this.#stop.signal.aborted || last === undefined) return;
    const { random, duplicates, positions } = this.#options;
    if (random.next() < duplicates) await this.#work(shard, batch, 0);
    if (this.#stop.signal.aborted) return;
    await positions.set(shard, last.sequence);
  }

  /** Returns when each of the records was done or given up, or the source was stopped. */
  async #work(shard: string, records: readonly BatchRecord[], failed: number): Promise<void> {
    const { runner, bisects, maximumRetries, maximumAgeMilliseconds } = this.#options;
    let batch = records;
    for (let failures = failed; batch.length > 0 && !this.#stop.signal.aborted; ) {
      const oldest = Date.now() - (maximumAgeMilliseconds ?? Number.POSITIVE_INFINITY);
      const expired = batch.filter(({ createdAt }) => createdAt < oldest);
      if (expired.length > 0) {
        await this.#giveUp(shard, expired, 'RecordAgeExceeded', failures);
        batch = batch.filter((record) => !expired.includes(record));
        continue;
      }
      const outcome = await runner.invoke(`{"Records":[${batch.map(({ json }) => json).join(',')}]}`);
      if (this.#stop.signal.aborted) return;
      const left = outcome.ok ? this.#leftOver(batch, outcome.payload) : batch;
      if (left.length === 0) return;
      // What was done before the first failure is done; its attempts are those of the rest from now on.
      failures = left.length < batch.length ? 1 : failures + 1;
      batch = left;
      const why = outcome.ok ? 'it said so' : outcome.message;
      this.#log('warn', `${batch.length} records of the stream are tried again: ${why}`);
      if (bisects && batch.length > 1) {
        const middle = Math.ceil(batch.length / 2);
        await this.#afterAttempt(failures);
        // Halving does not count as an attempt.
        await this.#work(shard, batch.slice(0, middle), failures - 1);
        await this.#work(shard, batch.slice(middle), failures - 1);
        return;
      }
      if (maximumRetries !== undefined && failures > maximumRetries) {
        await this.#giveUp(shard, batch, 'RetryAttemptsExhausted', failures);
        return;
      }
      await this.#afterAttempt(failures);
    }
  }

  /** From the first record on that failed, by its sequence number. */
  #leftOver(batch: readonly BatchRecord[], payload: string): readonly BatchRecord[] {
    if (!this.#options.reportsItemFailures) return [];
    const result = readBatchResult(payload, new Set(batch.map(({ sequence }) => sequence)));
    if (result.kind === 'invalid') {
      this.#log('error', `the whole batch counts as failed: ${result.reason}`);
      return batch;
    }
    const first = batch.findIndex(({ sequence }) => result.failed.has(sequence));
    return first < 0 ? [] : batch.slice(first);
  }

  async #giveUp(
    shard: string,
    batch: readonly BatchRecord[],
    condition: Parameters<typeof failureMessage>[0]['condition'],
    attempts: number,
  ): Promise<void> {
    const { runner, streamArn, onFailureQueueUrl } = this.#options;
    this.#log('error', `${batch.length} records of the stream were given up after ${attempts} attempts (${condition})`);
    if (onFailureQueueUrl === undefined) return;
    const MessageBody = failureMessage({ functionArn: runner.arn, streamArn, shard, batch, condition, attempts });
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: onFailureQueueUrl, MessageBody }));
  }

  #seenEmpty(shard: string, waiter: Waiter): void {
    waiter.shards.delete(shard);
    if (waiter.shards.size > 0) return;
    this.#waiters.delete(waiter);
    waiter.resolve();
  }

  async #afterAttempt(failures: number): Promise<void> {
    const { first, last } = retryMilliseconds;
    await this.#pause(Math.min(last, first * 2 ** Math.min(failures - 1, 20)) / this.#options.speed);
  }

  async #afterFailure(what: string, error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#log('warn', `cannot ${what}: ${String(error)}`);
    await this.#pause(1000);
  }

  /** Only stopping breaks the pause off; whoever pauses looks for that. */
  async #pause(milliseconds: number): Promise<void> {
    await sleep(Math.max(0, milliseconds), undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #log(level: StackLogLine['level'], message: string): void {
    this.#options.log({ source: `${this.#options.runner.name} stream`, level, message });
  }
}
