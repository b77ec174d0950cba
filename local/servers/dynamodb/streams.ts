/**
 * DynamoDB Streams, as far as the program has them, in the names of this account.
 *
 * The program keeps all records of all streams in one table without an index, so that each write looks through it; here
 * it gets two. It never drops a record: those that are older than a day, which is how long AWS keeps them, are dropped
 * when the server starts, before the program does. A data folder thus grows during one run only. The newest record of
 * each table stays, because the program counts on from it.
 *
 * Not modelled: iterators that expire, and shards that end. A table has one shard here, whose EndingSequenceNumber is not
 * to be relied on: the program takes the greatest of the numbers as texts.
 *
 * Source: "Change data capture for DynamoDB Streams" of the DynamoDB guide, and the DynamoDB Streams API reference.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod/mini';
import { type JsonAnswer, JsonServiceError, type Need } from '../json-service.ts';
import type { DynamoBackend } from './backend.ts';

/** What X-Amz-Target begins with. */
export const streamsPrefix = 'DynamoDBStreams_20120810.';

const keptSeconds = 24 * 3600;

/** How long the file may be locked by the program. Milliseconds. */
const busyTimeout = 10_000;

function withDatabase<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
    return work(database);
  } finally {
    database.close();
  }
}

/** Drops records that are too old. Nothing else may have the file open. Returns how many records were dropped. */
export function trimStreams(file: string, nowMs: number): number {
  if (!existsSync(file)) return 0;
  return withDatabase(file, (database) => {
    const has = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_stream_records'`).get();
    if (has === undefined) return 0;
    const drop = database.prepare(
      'DELETE FROM _stream_records WHERE created_at < ? AND id NOT IN (SELECT max(id) FROM _stream_records GROUP BY table_name)',
    );
    return Number(drop.run(Math.floor(nowMs / 1000) - keptSeconds).changes);
  });
}

/** Makes the indexes that the program lacks, once it has made its tables. */
export function indexStreams(file: string): void {
  withDatabase(file, (database) =>
    database.exec(`
      CREATE INDEX IF NOT EXISTS kb_seq ON _stream_records(table_name, CAST(sequence_number AS INTEGER));
      CREATE INDEX IF NOT EXISTS kb_shard ON _stream_records(table_name, shard_id, sequence_number);
    `),
  );
}

const ofStream = z.looseObject({ StreamArn: z.string() });
const ofIterator = z.looseObject({ ShardIterator: z.string() });
const listing = z.looseObject({ TableName: z.optional(z.string()) });
const iterator = z.object({ stream: z.string(), inner: z.string() });

const iteratorAnswer = z.looseObject({ ShardIterator: z.string() });
const recordsAnswer = z.looseObject({
  Records: z.array(z.looseObject({ awsRegion: z.string() })),
  NextShardIterator: z.optional(z.string()),
});

export interface StreamsOptions {
  readonly region: string;
  readonly backend: DynamoBackend;
  /** ARN of a table of this account, also for patterns. */
  readonly tableArn: (table: string) => string;
  /** ARNs as the program has them, and back. */
  readonly toBackend: (text: string) => string;
  readonly fromBackend: (text: string) => string;
}

export interface Streams {
  /** True for an operation of this service; the others are those of DynamoDB itself. */
  has(operation: string): boolean;
  /** @throws JsonServiceError `ValidationException` */
  needs(operation: string, input: unknown): readonly Need[];
  answer(operation: string, input: Readonly<Record<string, unknown>>): Promise<JsonAnswer>;
}

const operations: ReadonlySet<string> = new Set(['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams']);

export function dynamoDbStreams({ region, backend, tableArn, toBackend, fromBackend }: StreamsOptions): Streams {
  const forward = async (operation: string, input: unknown): Promise<JsonAnswer> => {
    const answer = await backend.forward(operation, toBackend(JSON.stringify(input)), streamsPrefix);
    return answer.status === 200 ? answer : { ...answer, body: fromBackend(answer.body.toString()) };
  };
  const wrap = (stream: string, inner: string): string =>
    Buffer.from(JSON.stringify({ stream, inner })).toString('base64url');
  const answers: Readonly<Record<string, (input: Readonly<Record<string, unknown>>) => Promise<JsonAnswer>>> = {
    DescribeStream: async (input) => named(await forward('DescribeStream', input)),
    ListStreams: async (input) => named(await forward('ListStreams', input)),
    GetShardIterator: async (input) => {
      const { StreamArn } = parse(ofStream, 'GetShardIterator', input);
      return changed(await forward('GetShardIterator', input), iteratorAnswer, (answer) => ({
        ShardIterator: wrap(StreamArn, answer.ShardIterator),
      }));
    },
    GetRecords: async (input) => {
      const { stream, inner } = unwrap(parse(ofIterator, 'GetRecords', input).ShardIterator);
      // The records hold items, in which nothing is replaced.
      const answer = await backend.forward(
        'GetRecords',
        JSON.stringify({ ...input, ShardIterator: inner }),
        streamsPrefix,
      );
      return changed(answer, recordsAnswer, ({ Records, NextShardIterator }) => ({
        Records: Records.map((record) => ({ ...record, awsRegion: region })),
        ...(NextShardIterator !== undefined && { NextShardIterator: wrap(stream, NextShardIterator) }),
      }));
    },
  };
  const named = ({ status, body }: JsonAnswer): JsonAnswer => ({ status, body: fromBackend(body.toString()) });
  return {
    has: (operation) => operations.has(operation),
    needs(operation, input) {
      const action = `dynamodb:${operation}`;
      if (operation === 'ListStreams') {
        const { TableName = '*' } = parse(listing, operation, input);
        return [{ action, resource: `${tableArn(TableName)}/stream/*` }];
      }
      if (operation === 'GetRecords')
        return [{ action, resource: unwrap(parse(ofIterator, operation, input).ShardIterator).stream }];
      return [{ action, resource: parse(ofStream, operation, input).StreamArn }];
    },
    answer(operation, input) {
      const make = answers[operation];
      if (make === undefined)
        throw new JsonServiceError('UnknownOperationException', `The local DynamoDB does not model ${operation}.`);
      return make(input);
    },
  };
}

function changed<S extends z.ZodMiniType>(
  { status, body }: JsonAnswer,
  schema: S,
  change: (answer: z.output<S>) => object,
): JsonAnswer {
  return status === 200
    ? { status, body: JSON.stringify(change(z.parse(schema, JSON.parse(body.toString())))) }
    : { status, body };
}

function unwrap(text: string): z.output<typeof iterator> {
  try {
    return z.parse(iterator, JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw new JsonServiceError('ValidationException', 'Invalid ShardIterator: it was not given out by this server.');
  }
}

function parse<S extends z.ZodMiniType>(schema: S, operation: string, input: unknown): z.output<S> {
  const parsed = z.safeParse(schema, input);
  if (parsed.success) return parsed.data;
  throw new JsonServiceError('ValidationException', `${operation}: ${z.prettifyError(parsed.error)}`);
}
