import middy from '@middy/core';
import * as z from 'zod/mini';
import type { Measurements } from '../contract/metrics.ts';
import { type Invocation, invocationOf, type LambdaContext, type LambdaHandler } from './invocation.ts';
import { observe, reportFailure } from './observe.ts';
import type { Telemetry } from './telemetry.ts';

/** A row of a table after a change of it. Attributes are plain values; bytes are `Uint8Array`. */
export interface RowChange {
  /** When the stream got it: milliseconds since 1970, to the second below. */
  readonly at: number;
  readonly keys: Readonly<Record<string, unknown>>;
  /** Absent when the row was removed. */
  readonly row?: Readonly<Record<string, unknown>>;
}

export interface StreamHandlerOptions<Result> {
  readonly telemetry: Telemetry;
  /** Resolves: the batch is done. Rejects: it comes again. */
  readonly run: (changes: readonly RowChange[], invocation: Invocation) => Promise<Result>;
  readonly measure: (result: Result) => Measurements;
  /** Answers events that come from no stream: of a schedule, or of a person. */
  readonly otherwise: LambdaHandler;
}

const attributes = z.record(z.string(), z.unknown());
/** What is read of the event (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). */
const streamEvent = z.object({
  Records: z.array(
    z.object({
      dynamodb: z.object({
        ApproximateCreationDateTime: z.number(),
        Keys: attributes,
        NewImage: z.optional(attributes),
      }),
    }),
  ),
});

/**
 * Bundle for functions behind the stream of a table that carries new images. The batch is run as a whole; whatever is
 * thrown makes it come again.
 */
export function streamHandler<Result>(options: StreamHandlerOptions<Result>): LambdaHandler {
  const { telemetry } = options;
  const handle = async (event: unknown, context: LambdaContext): Promise<void> => {
    const { Records } = z.parse(streamEvent, event);
    const changes = Records.map(({ dynamodb: { ApproximateCreationDateTime, Keys, NewImage } }) => ({
      at: ApproximateCreationDateTime * 1000,
      keys: plainItem(Keys),
      ...(NewImage !== undefined && { row: plainItem(NewImage) }),
    }));
    const result = await options.run(changes, invocationOf(context));
    telemetry.log.info('batch done', { changes: changes.length, result });
    telemetry.measure(options.measure(result));
  };
  const ofStream = middy<unknown, unknown>()
    .use(observe(telemetry))
    .use(reportFailure(telemetry))
    .handler(handle) as LambdaHandler;
  return (event, context) => (isOfStream(event) ? ofStream(event, context) : options.otherwise(event, context));
}

const isOfStream = (event: unknown): boolean => typeof event === 'object' && event !== null && 'Records' in event;

const plainItem = (item: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));

/**
 * The value of an attribute in DynamoDB's JSON, in which bytes are base64 and numbers are texts. What is none of its types
 * becomes `undefined`, which no schema of a row takes.
 */
function plainValue(attribute: unknown): unknown {
  if (typeof attribute !== 'object' || attribute === null) return undefined;
  const [entry] = Object.entries(attribute);
  if (entry === undefined) return undefined;
  const [type, value] = entry;
  const list = Array.isArray(value) ? value : [];
  switch (type) {
    case 'S':
    case 'BOOL':
      return value;
    case 'N':
      return Number(value);
    case 'NULL':
      return null;
    case 'B':
      return typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : undefined;
    case 'L':
      return list.map(plainValue);
    case 'M':
      return typeof value === 'object' && value !== null ? plainItem({ ...value }) : undefined;
    case 'SS':
      return new Set(list);
    case 'NS':
      return new Set(list.map(Number));
    default:
      return undefined;
  }
}
