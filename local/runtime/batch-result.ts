/**
 * What a function's answer says about the records of its batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
import * as z from 'zod/mini';

const answer = z.nullish(
  z.looseObject({ batchItemFailures: z.nullish(z.array(z.looseObject({ itemIdentifier: z.string() }))) }),
);

export type BatchResult =
  | { readonly kind: 'done'; readonly failed: ReadonlySet<string> }
  /** The answer makes no sense: the whole batch counts as failed. */
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Null, an empty answer and an empty list mean that everything is done. An identifier that is empty, missing or not one
 * of the batch's makes the whole batch fail.
 */
export function readBatchResult(payload: string, messageIds: ReadonlySet<string>): BatchResult {
  const parsed = answer.safeParse(JSON.parse(payload));
  if (!parsed.success) return { kind: 'invalid', reason: `not a batch response: ${payload.slice(0, 200)}` };
  const failed = new Set<string>();
  for (const { itemIdentifier } of parsed.data?.batchItemFailures ?? []) {
    if (!messageIds.has(itemIdentifier)) {
      return {
        kind: 'invalid',
        reason: `batchItemFailures names ${JSON.stringify(itemIdentifier)}, which is not in it`,
      };
    }
    failed.add(itemIdentifier);
  }
  return { kind: 'done', failed };
}
