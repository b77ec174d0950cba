import * as z from 'zod/mini';
import { runId } from './messages/sync-index.ts';
import { byteCount, sha256, timestamp } from './primitives.ts';

const common = {
  version: z.literal(1),
  /** One more with each write: of two runs that go on from the same state, one finds that it is not the state any more. */
  revision: z.int(),
  /** Names the staging object. */
  copyId: runId,
  url: z.string(),
  lastModified: z.optional(z.string()),
  /** Of the whole file. Bytes. */
  length: byteCount,
  startedAt: timestamp,
  /** Runs that somebody asked for and that wait for this copy's end. */
  runIds: z.array(runId),
  /** Invocations that led here because one before started them; those over earlier copies count too. */
  continuations: z.int(),
};

/**
 * Where an index is on its way from Microsoft to the catalogue; what one invocation leaves to the next. There is one at
 * most.
 *
 * - `copying`: some parts of the multipart upload are there; which, only the object store knows.
 * - `copied`: the staging object is whole. `readings` counts runs that began to read it and did not say how that ended.
 */
export const indexCopy = z.discriminatedUnion('state', [
  z.object({
    ...common,
    state: z.literal('copying'),
    /** Strong: every part is asked for under it. */
    etag: z.string(),
    uploadId: z.string(),
    /** Of every part but the last. Bytes. */
    partBytes: z.int(),
  }),
  z.object({ ...common, state: z.literal('copied'), etag: z.optional(z.string()), readings: z.int() }),
]);
export type IndexCopy = z.infer<typeof indexCopy>;
export type CopyingIndex = Extract<IndexCopy, { state: 'copying' }>;
export type CopiedIndex = Extract<IndexCopy, { state: 'copied' }>;

/**
 * An index whose facts began to be written. Still there at the next publication, it says that a run died between the
 * first fact and the pointer, so that the table holds more than the current publication says.
 */
export const unfinishedPublication = z.object({
  version: z.literal(1),
  /** The copy that it was read from. */
  copyId: runId,
  sha256,
  at: timestamp,
});
export type UnfinishedPublication = z.infer<typeof unfinishedPublication>;
