import middy from '@middy/core';
import * as z from 'zod/mini';
import type { Measurements } from '../contract/metrics.ts';
import { type Invocation, invocationOf, type LambdaContext, type LambdaHandler } from './invocation.ts';
import { observe, reportFailure } from './observe.ts';
import type { Telemetry } from './telemetry.ts';

export interface ScheduleHandlerOptions<Event, Result> {
  readonly telemetry: Telemetry;
  /** What is read of the event; a scheduler sends fields of its own beside it. */
  readonly event: z.ZodMiniType<Event>;
  readonly run: (event: Event, invocation: Invocation) => Promise<Result>;
  readonly measure: (result: Result) => Measurements;
  /** What a caller that waits for the answer gets. */
  readonly answer: (result: Result) => unknown;
}

/**
 * Bundle for functions that a schedule starts, or an operator by hand. The result is logged whole. A failure is thrown:
 * it shows as an error of the function, and the next tick of the schedule is the retry.
 */
export function scheduleHandler<Event, Result>(options: ScheduleHandlerOptions<Event, Result>): LambdaHandler {
  const { telemetry } = options;
  const handle = async (event: unknown, context: LambdaContext): Promise<unknown> => {
    const result = await options.run(z.parse(options.event, event), invocationOf(context));
    telemetry.log.info('finished', { result });
    telemetry.measure(options.measure(result));
    return options.answer(result);
  };
  return middy<unknown, unknown>()
    .use(observe(telemetry))
    .use(reportFailure(telemetry))
    .handler(handle) as LambdaHandler;
}
