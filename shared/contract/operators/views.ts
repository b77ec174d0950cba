import * as z from 'zod/mini';
import { roles } from '../access.ts';
import { byteCount, month, sha1, sha256, timestamp } from '../primitives.ts';
import { fileRequest } from '../requests.ts';
import { fleetCounts } from './hosts.ts';
import { indexView } from './index-sync.ts';

export const requestsPage = z.object({
  version: z.literal(1),
  requests: z.array(fileRequest),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});

export const sweepResult = z.object({
  version: z.literal(1),
  /** Requests put on the queue by this sweep. */
  queued: z.int(),
  /** Of these, requests whose earlier delivery got lost (lease or queue time lapsed). */
  requeued: z.int(),
});
export type SweepResult = z.infer<typeof sweepResult>;

/** A payload file that the repository holds. */
export const heldFile = z.object({
  sha1,
  /** As the index called it when the file was fetched. */
  name: z.optional(z.string()),
  sha256,
  size: byteCount,
  heldAt: timestamp,
});

export const filesPage = z.object({
  version: z.literal(1),
  files: z.array(heldFile),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});

/** Files that a person wants in the repository, whether or not a host asked for them. */
export const fileOrder = z.object({
  version: z.literal(1),
  sha1s: z.array(sha1).check(z.minLength(1), z.maxLength(500)),
});
export type FileOrder = z.infer<typeof fileOrder>;

/** What became of each; `unknown`: no index says where it is. */
export const fileOrderAnswer = z.object({
  version: z.literal(1),
  files: z.array(
    z.object({
      sha1,
      state: z.enum(['held', 'requested', 'unknown']),
      name: z.optional(z.string()),
      size: z.optional(byteCount),
    }),
  ),
});
export type FileOrderAnswer = z.infer<typeof fileOrderAnswer>;

/** One file: what the index says of it, whether it is held, and how its request stands. */
export const fileView = z.object({
  version: z.literal(1),
  sha1,
  name: z.optional(z.string()),
  size: z.optional(byteCount),
  sha256: z.optional(sha256),
  url: z.optional(z.string()),
  held: z.optional(heldFile),
  /** Taken out of the repository then; until its bytes are deleted, whoever asks for it has it back at once. */
  retiredAt: z.exactOptional(timestamp),
  request: z.optional(fileRequest),
});
export type FileView = z.infer<typeof fileView>;

/** What moved in a month of UTC so far. */
const monthTraffic = z.object({
  month,
  /** Bytes that hosts received from the repository, as they count them. */
  served: z.object({ index: byteCount, files: byteCount }),
  /** Bytes of files that hosts received from Microsoft itself. */
  direct: byteCount,
  /** Files that the broker fetched from Microsoft. */
  fetched: z.object({ files: z.int(), bytes: byteCount }),
  /** Served files less fetched ones: what Microsoft would have had to send besides, had each host fetched for itself. */
  savedBytes: byteCount,
});

/** An estimate of what the month has cost so far, from list prices. Parts and total in `currency`. */
const monthPrice = z.object({
  region: z.string(),
  currency: z.string(),
  /** Month of the list prices. */
  asOf: month,
  storage: z.number(),
  transfer: z.number(),
  hosts: z.number(),
  total: z.number(),
});

export const statusView = z.object({
  version: z.literal(2),
  index: indexView,
  hosts: fleetCounts,
  requests: z.object({ byState: z.record(z.enum(['open', 'queued', 'fetching', 'done', 'failed']), z.int()) }),
  payloads: z.object({ files: z.int(), bytes: byteCount }),
  /** Absent from older brokers, as `price` is. */
  traffic: z.exactOptional(monthTraffic),
  price: z.exactOptional(monthPrice),
});
export type StatusView = z.infer<typeof statusView>;

/** Who is asking, as the broker understood it. */
export const meView = z.object({
  version: z.literal(1),
  subject: z.string(),
  name: z.string(),
  role: z.enum(roles),
});
