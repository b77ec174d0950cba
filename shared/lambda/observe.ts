import type { MiddlewareObj } from '@middy/core';
import type { LambdaContext } from './invocation.ts';
import type { Telemetry } from './telemetry.ts';

type Middleware = MiddlewareObj<unknown, unknown, Error>;

/** Puts the request id into every line, and writes the metrics at the end of an invocation that succeeds. */
export function observe({ log, publish }: Telemetry): Middleware {
  return {
    before: ({ context }) => {
      log.resetKeys();
      log.appendKeys({ requestId: (context as LambdaContext).awsRequestId });
    },
    after: () => publish(),
  };
}

/** Logs what an invocation threw and writes the metrics; Lambda still gets the error. */
export function reportFailure({ log, publish }: Telemetry): Middleware {
  return {
    onError: ({ error }) => {
      log.error('the invocation failed', error ?? new Error('nothing was thrown'));
      publish();
    },
  };
}
