import middy from '@middy/core';
import * as z from 'zod/mini';
import type { Measurements } from '../contract/metrics.ts';
import { type Invocation, invocationOf, type LambdaContext, type LambdaHandler } from './invocation.ts';
import { observe, reportFailure } from './observe.ts';
import type { Telemetry } from './telemetry.ts';

/** One delivery of one message. */
export interface Delivery extends Invocation {
  readonly messageId: string;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
}

export interface QueueHandlerOptions<Message, Result> {
  readonly telemetry: Telemetry;
  readonly message: z.ZodMiniType<Message>;
  /** Resolves: the message is done and deleted. Rejects: it comes again, and ends in the dead-letter queue. */
  readonly run: (message: Message, delivery: Delivery) => Promise<Result>;
  readonly measure: (result: Result) => Measurements;
  /** What a failed delivery counts as, whatever made it fail. */
  readonly measureFailure: (delivery: { readonly receiveCount: number }) => Measurements;
}

/** The part of an SQS record that is needed to run it; without a message id a failure could not be told apart. */
const sqsEvent = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      attributes: z.object({ ApproximateReceiveCount: z.coerce.number().check(z.int(), z.positive()) }),
    }),
  ),
});
type SqsRecord = z.output<typeof sqsEvent>['Records'][number];

/** Lambda's partial batch response (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html). */
interface BatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * Bundle for functions that work a queue. Each record is parsed, run and judged by itself, one after the other (so that
 * memory is that of one): whatever one of them throws fails that record only. What is not an SQS event at all is
 * thrown, which fails the whole batch: nothing is acknowledged by accident.
 */
export function queueHandler<Message, Result>(options: QueueHandlerOptions<Message, Result>): LambdaHandler {
  const { telemetry } = options;

  async function runRecord(record: SqsRecord, invocation: Invocation): Promise<void> {
    const receiveCount = record.attributes.ApproximateReceiveCount;
    // A message that cannot be begun in time is left for its next delivery.
    invocation.signal.throwIfAborted();
    const message = z.parse(options.message, JSON.parse(record.body));
    const result = await options.run(message, { ...invocation, messageId: record.messageId, receiveCount });
    telemetry.log.info('delivery done', { messageId: record.messageId, receiveCount, result });
    telemetry.measure(options.measure(result));
  }

  const handle = async (event: unknown, context: LambdaContext): Promise<BatchResponse> => {
    const { Records } = z.parse(sqsEvent, event);
    const invocation = invocationOf(context);
    const failures: { itemIdentifier: string }[] = [];
    for (const record of Records) {
      try {
        await runRecord(record, invocation);
      } catch (error) {
        const receiveCount = record.attributes.ApproximateReceiveCount;
        failures.push({ itemIdentifier: record.messageId });
        telemetry.log.error('delivery failed', {
          messageId: record.messageId,
          receiveCount,
          error: error instanceof Error ? error : new Error(String(error)),
        });
        telemetry.measure(options.measureFailure({ receiveCount }));
      }
    }
    return { batchItemFailures: failures };
  };
  return middy<unknown, unknown>()
    .use(observe(telemetry))
    .use(reportFailure(telemetry))
    .handler(handle) as LambdaHandler;
}
