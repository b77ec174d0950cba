import * as z from 'zod/mini';
import { byteCount, sha256, timestamp } from './primitives.ts';

/**
 * `index/current.json`: which index is current. It moves last, after the bytes and the catalogue are in place, so that
 * a reader at any moment sees a whole publication.
 */
export const indexPointer = z.object({
  version: z.literal(1),
  sha256,
  bytes: byteCount,
  /** When this broker published it. */
  publishedAt: timestamp,
  /** `CreationDate` of package.xml. */
  createdAt: z.optional(z.string()),
  packageId: z.optional(z.string()),
  updates: z.int(),
  files: z.int(),
  /** Version of the decoder that read it; absent before there was one. */
  decoder: z.optional(z.int()),
  /** Validators of the origin's answer, for the next conditional request. */
  origin: z.object({ url: z.string(), etag: z.optional(z.string()), lastModified: z.optional(z.string()) }),
});
export type IndexPointer = z.infer<typeof indexPointer>;
