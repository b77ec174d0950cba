import * as z from 'zod/mini';
import { byteCount, timestamp } from './primitives.ts';

/**
 * A large file on its way from Microsoft into the store, in parts of one multipart upload: what one invocation of the worker
 * leaves to the next. Which parts are there, only the object store knows.
 */
export const payloadTransfer = z.object({
  version: z.literal(1),
  /** What the index says. */
  url: z.string(),
  /** Where every part is asked for: that, or its twin by HTTPS. */
  address: z.string(),
  /** Strong: every part is asked for under it. */
  etag: z.string(),
  /** Of the whole file. Bytes. */
  length: byteCount,
  uploadId: z.string(),
  /** Of every part but the last. Bytes. */
  partBytes: z.int(),
  startedAt: timestamp,
});
export type PayloadTransfer = z.infer<typeof payloadTransfer>;
