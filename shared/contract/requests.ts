import * as z from 'zod/mini';
import { byteCount, machineId, sha1, sha256, timestamp } from './primitives.ts';

const common = {
  version: z.literal(1),
  sha1,
  /** Name and size as the index says, for people. */
  name: z.optional(z.string()),
  size: z.optional(byteCount),
  requestedAt: timestamp,
  /** The host whose report opened it. */
  requestedBy: machineId,
  /** Fetches begun so far. */
  attempts: z.int(),
  /** Reason of the last failed attempt. */
  lastError: z.optional(z.string()),
  /** How far a fetch got; what came of an interrupted one is kept, and the next goes on from there. */
  progress: z.optional(
    z.object({
      /** Bytes that are in the store, of all. */
      bytes: byteCount,
      of: byteCount,
      /** When the fetch of this file began, and when these bytes were counted: their rate. */
      startedAt: timestamp,
      at: timestamp,
    }),
  ),
};

/** The life of a request: open, queued by a sweep, fetching under a lease, then done or failed (given up). */
export const fileRequest = z.discriminatedUnion('state', [
  z.object({ ...common, state: z.literal('open') }),
  z.object({ ...common, state: z.literal('queued'), queuedAt: timestamp }),
  z.object({ ...common, state: z.literal('fetching'), queuedAt: timestamp, leaseUntil: timestamp }),
  z.object({ ...common, state: z.literal('done'), doneAt: timestamp, sha256 }),
  z.object({ ...common, state: z.literal('failed'), failedAt: timestamp, lastError: z.string() }),
]);
export type FileRequest = z.infer<typeof fileRequest>;
export type FileRequestState = FileRequest['state'];
export const fileRequestStates = ['open', 'queued', 'fetching', 'done', 'failed'] as const;
