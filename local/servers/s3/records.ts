/** What the server keeps about buckets, objects and uploads. */
import * as z from 'zod/mini';

const segmentSchema = z.object({
  /** Name of the file that holds the bytes. */
  blob: z.string(),
  size: z.number(),
});

const checksumSchema = z.object({
  algorithm: z.enum(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']),
  value: z.string(),
  type: z.enum(['FULL_OBJECT', 'COMPOSITE']),
});

/** What the client said about an object when it began to write it. */
const descriptionSchema = z.object({
  /** Headers that come back with the object: content-type, cache-control, … */
  headers: z.record(z.string(), z.string()),
  /** User metadata without `x-amz-meta-`. */
  metadata: z.record(z.string(), z.string()),
  tags: z.array(z.object({ key: z.string(), value: z.string() })),
});
export type Description = z.infer<typeof descriptionSchema>;
export type Tag = Description['tags'][number];

/** The JSON column of an object. */
export const objectDetailsSchema = z.extend(descriptionSchema, {
  segments: z.array(segmentSchema),
  checksum: z.optional(checksumSchema),
  /** Upload that the object came from, so that a repeated completion is recognised. */
  uploadId: z.optional(z.string()),
  /** Until when it can be neither changed nor deleted. */
  lock: z.optional(z.object({ mode: z.enum(['GOVERNANCE', 'COMPLIANCE']), untilMs: z.number() })),
});

/** The JSON column of an upload. */
export const uploadDetailsSchema = z.extend(descriptionSchema, {
  checksum: z.optional(z.pick(checksumSchema, { algorithm: true, type: true })),
});

/** The JSON column of a part. */
export const partDetailsSchema = z.object({ blob: z.string(), checksum: z.optional(checksumSchema) });

export interface StoredObject extends z.infer<typeof objectDetailsSchema> {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

export interface StoredUpload extends z.infer<typeof uploadDetailsSchema> {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiatedMs: number;
}

export interface StoredPart extends z.infer<typeof partDetailsSchema> {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  readonly modifiedMs: number;
}

export interface StoredBucket {
  readonly name: string;
  readonly createdMs: number;
}

/** Configurations of a bucket that are kept as the XML that was put. */
export type BucketDocument = 'lifecycle' | 'notification' | 'object-lock' | 'tagging';
