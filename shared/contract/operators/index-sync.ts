import * as z from 'zod/mini';
import { indexPointer } from '../index-pointer.ts';
import { byteCount, sha256, timestamp } from '../primitives.ts';

/** How one run of the synchronisation ended. */
const syncOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('unchanged'), sha256 }),
  z.object({
    outcome: z.literal('published'),
    sha256,
    updates: z.int(),
    files: z.int(),
    /** False when the repository already held the same bytes. */
    stored: z.boolean(),
    /** File facts that were new or changed and so written. */
    factsWritten: z.int(),
  }),
  z.object({ outcome: z.literal('refused'), sha256: z.optional(sha256), reason: z.string() }),
  z.object({ outcome: z.literal('failed'), reason: z.string() }),
]);
export type SyncOutcome = z.infer<typeof syncOutcome>;

/** A publication that was looked at and kept aside; the current one stays. */
export const indexRefusal = z.object({
  at: timestamp,
  sha256: z.optional(sha256),
  etag: z.optional(z.string()),
  lastModified: z.optional(z.string()),
  reason: z.string(),
});
export type IndexRefusal = z.infer<typeof indexRefusal>;

/**
 * The refusal, when it is about a publication later than the current one. One that is older was overcome; a run that
 * died may have left it behind.
 */
export function refusalInForce(
  current: { readonly publishedAt: string } | undefined,
  refusal: IndexRefusal | undefined,
): IndexRefusal | undefined {
  if (refusal === undefined || current === undefined) return refusal;
  return Date.parse(refusal.at) >= Date.parse(current.publishedAt) ? refusal : undefined;
}

/**
 * How far a run is: `copying` from Microsoft, `examining` (digest and signature), `decoding`, `publishing` (facts, the
 * catalogue, the pointer). Bytes are of the index file; `facts` are those written so far.
 */
const syncProgress = z.object({
  phase: z.enum(['copying', 'examining', 'decoding', 'publishing']),
  bytes: z.optional(byteCount),
  of: z.optional(byteCount),
  facts: z.optional(z.int()),
  at: timestamp,
});
export type SyncProgress = z.infer<typeof syncProgress>;

/** A run that somebody asked for. Scheduled runs that change nothing leave no trace, on purpose. */
export const syncRun = z.object({
  version: z.literal(1),
  runId: z.string(),
  state: z.enum(['started', 'ended']),
  startedAt: timestamp,
  /** What was asked for besides; in force until the run ends. */
  wishes: z.optional(z.object({ allowOlder: z.optional(z.boolean()), again: z.optional(z.boolean()) })),
  endedAt: z.optional(timestamp),
  /** Of a run that has not ended; noted every few seconds. */
  progress: z.optional(syncProgress),
  result: z.optional(syncOutcome),
});
export type SyncRun = z.infer<typeof syncRun>;

export const indexView = z.object({
  version: z.literal(1),
  current: z.optional(indexPointer),
  refused: z.optional(indexRefusal),
});
export type IndexView = z.infer<typeof indexView>;
