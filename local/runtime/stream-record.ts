/** Records of a stream as a function gets them, and what tells of those that were given up. */
import { randomUUID } from 'node:crypto';
import type { AttributeValue, _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';
import { maximumPayloadBytes } from './lambda/sandbox.ts';

/** One record on its way to the function. */
export interface BatchRecord {
  readonly sequence: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The record of the event. */
  readonly json: string;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html: bytes are base64, and the time is in seconds. */
export function batchRecord(record: StreamRecord, eventSourceARN: string): BatchRecord {
  const { ApproximateCreationDateTime, Keys, NewImage, OldImage, SequenceNumber, SizeBytes, StreamViewType } =
    record.dynamodb ?? {};
  const createdAt = ApproximateCreationDateTime?.getTime() ?? 0;
  const json = JSON.stringify({
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion,
    eventSource: record.eventSource,
    awsRegion: record.awsRegion,
    dynamodb: {
      ApproximateCreationDateTime: createdAt / 1000,
      Keys: Keys && image(Keys),
      NewImage: NewImage && image(NewImage),
      OldImage: OldImage && image(OldImage),
      SequenceNumber,
      SizeBytes,
      StreamViewType,
    },
    eventSourceARN,
  });
  return { sequence: SequenceNumber ?? '', createdAt, json };
}

const image = (attributes: Readonly<Record<string, AttributeValue>>): object =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attribute(value)]));

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function attribute(value: AttributeValue): object {
  if (value.B !== undefined) return { B: base64(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(base64) };
  if (value.L !== undefined) return { L: value.L.map(attribute) };
  if (value.M !== undefined) return { M: image(value.M) };
  return value;
}

/**
 * What Lambda sends to the destination for failures: where the records are, not the records.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export function failureMessage(given: {
  readonly functionArn: string;
  readonly streamArn: string;
  readonly shard: string;
  readonly batch: readonly BatchRecord[];
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly attempts: number;
}): string {
  const { functionArn, streamArn, shard, batch, condition, attempts } = given;
  const arrival = (record: BatchRecord | undefined): string => new Date(record?.createdAt ?? 0).toISOString();
  return JSON.stringify({
    requestContext: { requestId: randomUUID(), functionArn, condition, approximateInvokeCount: attempts },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: new Date().toISOString(),
    DDBStreamBatchInfo: {
      shardId: shard,
      startSequenceNumber: batch[0]?.sequence,
      endSequenceNumber: batch.at(-1)?.sequence,
      approximateArrivalOfFirstRecord: arrival(batch[0]),
      approximateArrivalOfLastRecord: arrival(batch.at(-1)),
      batchSize: batch.length,
      streamArn,
    },
  });
}

/** How many of the records fit into one invocation beside what is there; one always does. */
export function roomFor(records: readonly BatchRecord[], bytes: number): number {
  const overhead = 100;
  let sum = bytes + overhead;
  for (const [index, { json }] of records.entries()) {
    sum += Buffer.byteLength(json) + 1;
    if (sum > maximumPayloadBytes && (index > 0 || bytes > 0)) return index;
  }
  return records.length;
}
