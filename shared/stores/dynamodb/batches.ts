import { BatchGetCommand, BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** An item, or the key of one, as DynamoDB's document client has it. */
export type Item = Record<string, unknown>;

/** Waits between tries; an argument so that tests need no time. Milliseconds. */
export type Sleep = (milliseconds: number) => Promise<void>;

interface BatchOptions {
  /**
   * In [0, 1); spreads the waits, so that many who were throttled do not come back at once.
   *
   * @default Math.random
   */
  readonly random?: (() => number) | undefined;
  /** No call begins after it is aborted; its reason is thrown once the calls that are under way have ended. */
  readonly signal?: AbortSignal | undefined;
}

/** Limits of one call (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html). */
const getLimit = 100;
const writeLimit = 25;
/** Rounds in which nothing at all got through: with the waits below, about 25 s of standstill are sat out. */
const maxStalledRounds = 10;
/** Calls at a time: fills a Lambda's network without a burst that a new on-demand table would throttle. */
const parallel = 8;

/** Reads items by key, in any order. Keys without an item are left out. Duplicate keys are asked for once. */
export async function batchGet(
  client: DynamoDBDocumentClient,
  table: string,
  keyName: string,
  keys: Iterable<string>,
  sleep: Sleep,
  options: BatchOptions = {},
): Promise<Item[]> {
  const items: Item[] = [];
  const get = async (chunk: readonly string[], signal: AbortSignal): Promise<void> => {
    let left: Item[] = chunk.map((key) => ({ [keyName]: key }));
    const rounds = roundsOf(sleep, { ...options, signal }, `read items of ${table}`);
    while (await rounds(left.length)) {
      const command = new BatchGetCommand({ RequestItems: { [table]: { Keys: left, ConsistentRead: true } } });
      const answer = await unlessThrottled(client.send(command));
      if (answer === undefined) continue;
      items.push(...(answer.Responses?.[table] ?? []));
      left = answer.UnprocessedKeys?.[table]?.Keys ?? [];
    }
  };
  await inParallel(parallel, chunked(new Set(keys), getLimit), get, options.signal);
  return items;
}

/**
 * Puts items, replacing what has the same key. The keys of one call must differ; the caller sees to it. When it throws,
 * no write is under way any more.
 */
export async function batchPut(
  client: DynamoDBDocumentClient,
  table: string,
  items: Iterable<Item>,
  sleep: Sleep,
  options: BatchOptions = {},
): Promise<void> {
  const put = async (chunk: readonly Item[], signal: AbortSignal): Promise<void> => {
    let left: NonNullable<BatchWriteItems> = chunk.map((item) => ({ PutRequest: { Item: item } }));
    const rounds = roundsOf(sleep, { ...options, signal }, `write items of ${table}`);
    while (await rounds(left.length)) {
      const answer = await unlessThrottled(client.send(new BatchWriteCommand({ RequestItems: { [table]: left } })));
      if (answer !== undefined) left = answer.UnprocessedItems?.[table] ?? [];
    }
  };
  await inParallel(parallel, chunked(items, writeLimit), put, options.signal);
}

type BatchWriteItems = NonNullable<BatchWriteCommand['input']['RequestItems']>[string];

/** How DynamoDB says that not even one item of a call got through (its guide, "Error handling"). */
const throttles = new Set(['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException']);

/** The answer; `undefined` when the whole call was throttled, beyond the few retries of the SDK. */
export async function unlessThrottled<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && throttles.has(error.name)) return undefined;
    throw error;
  }
}

/**
 * The SDK retries a call that fails; a call that succeeds in part is ours to repeat, slower each time.
 * @returns whether there is another round, after its wait; to be told how many items are left
 */
export function roundsOf(
  sleep: Sleep,
  { random = Math.random, signal }: BatchOptions,
  what: string,
): (left: number) => Promise<boolean> {
  let round = 0;
  let stalled = 0;
  let before = Number.POSITIVE_INFINITY;
  return async (left) => {
    if (left === 0) return false;
    stalled = left < before ? 0 : stalled + 1;
    if (stalled >= maxStalledRounds)
      throw new Error(`DynamoDB did not ${what} (${left} left) in ${maxStalledRounds} rounds`);
    before = left;
    if (round > 0) await sleep(Math.min(5_000, 50 * 2 ** (round - 1)) * (0.5 + random() / 2));
    signal?.throwIfAborted();
    round += 1;
    return true;
  };
}

/** Lists of that many items, the last one shorter; drawn lazily. */
export function* chunked<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * Works through jobs, so many at a time, drawing them lazily. The first failure stops the drawing and aborts the signal
 * that all jobs have; it is thrown when the last of them has ended, so that nothing goes on behind the caller's back.
 *
 * @param signal stops the drawing too; its reason is thrown then
 */
export async function inParallel<T>(
  width: number,
  jobs: Iterable<T>,
  run: (job: T, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const iterator = jobs[Symbol.iterator]();
  const failed = new AbortController();
  const stopped = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const worker = async (): Promise<void> => {
    try {
      while (!stopped.aborted) {
        const next = iterator.next();
        if (next.done === true) return;
        await run(next.value, stopped);
      }
    } catch (error) {
      // Only the first counts: others may follow from it.
      failed.abort(error);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  stopped.throwIfAborted();
}
