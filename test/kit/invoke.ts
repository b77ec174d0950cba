import type { LambdaHandler } from '#shared/lambda/invocation.ts';

/** Calls a function as Lambda's runtime would, with so much time left. */
export function invoke(handler: LambdaHandler, event: unknown, remainingMilliseconds = 30_000): Promise<unknown> {
  const endsAt = Date.now() + remainingMilliseconds;
  return handler(event, { awsRequestId: 'request-1', getRemainingTimeInMillis: () => endsAt - Date.now() });
}

/** What functions write to their log while it is captured: one JSON value per line, metrics among them. */
export interface CapturedLog {
  readonly lines: Readonly<Record<string, unknown>>[];
  /** All values of a metric that were published. */
  metric(name: string): number[];
  restore(): void;
}

/** Takes over the standard output and error of this process, which is where Lambda reads a function's log. */
export function captureLog(): CapturedLog {
  const lines: Record<string, unknown>[] = [];
  const streams = [process.stdout, process.stderr];
  const originals = streams.map((stream) => stream.write);
  for (const stream of streams)
    stream.write = (text: string | Uint8Array): boolean => {
      lines.push(JSON.parse(text.toString()));
      return true;
    };
  return {
    lines,
    metric: (name) =>
      lines.flatMap((line) => ('_aws' in line ? [line[name]].flat() : [])).filter((value) => typeof value === 'number'),
    restore() {
      streams.forEach((stream, index) => {
        const original = originals[index];
        if (original !== undefined) stream.write = original;
      });
    },
  };
}
