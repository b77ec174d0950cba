/** What the bundles use of Lambda's context object. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** A function as Lambda's runtime calls it. */
export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** What a use case gets to know of the invocation it runs in. */
export interface Invocation {
  readonly requestId: string;
  /** Lambda ends the process then. */
  readonly deadlineAt: Date;
  /** Fires early enough before the deadline to stop and clean up. */
  readonly signal: AbortSignal;
}

/** Kept free before the deadline, to abort an upload and to write down why. Milliseconds. */
const cleanUpMilliseconds = 10_000;

export function invocationOf(context: LambdaContext): Invocation {
  const remaining = context.getRemainingTimeInMillis();
  // A function with a short time limit keeps most of it for its work.
  const margin = Math.min(cleanUpMilliseconds, remaining / 4);
  return {
    requestId: context.awsRequestId,
    deadlineAt: new Date(Date.now() + remaining),
    signal: AbortSignal.timeout(Math.max(0, Math.floor(remaining - margin))),
  };
}
