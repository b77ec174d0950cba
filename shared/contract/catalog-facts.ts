import * as z from 'zod/mini';
import type { BoundedList } from '../core/catalog/unit-facts.ts';
import { byteCount, guid, identity, kbNumber, severity, sha1, timestamp } from './primitives.ts';

const titledCategory = z.object({ id: guid, title: z.exactOptional(z.string()) });

const boundedLists = {
  kbs: z.readonly(z.array(kbNumber)),
  products: z.readonly(z.array(titledCategory)),
  families: z.readonly(z.array(titledCategory)),
  bulletins: z.readonly(z.array(z.string())),
  cves: z.readonly(z.array(z.string())),
  supersededBy: z.readonly(z.array(identity)),
  supersedes: z.readonly(z.array(identity)),
  files: z.readonly(z.array(sha1)),
} as const satisfies { readonly [List in BoundedList]: z.ZodMiniType };

const total = z.exactOptional(z.int());

/** True lengths of the lists that were cut. */
const totals = z.object({
  kbs: total,
  products: total,
  families: total,
  bulletins: total,
  cves: total,
  supersededBy: total,
  supersedes: total,
  files: total,
} as const satisfies { readonly [List in BoundedList]: z.ZodMiniType });

/** What is kept of a unit: an update that is installed by itself. */
export const unitFacts = z.object({
  ...identity.shape,
  createdAt: z.string(),
  /** The earliest `createdAt` of the UpdateId in any publication, whichever revision it had then. */
  firstPublishedAt: z.string(),
  title: z.exactOptional(z.string()),
  ...boundedLists,
  severity: z.exactOptional(severity),
  classification: z.exactOptional(titledCategory),
  reboot: z.exactOptional(z.enum(['never', 'always', 'can'])),
  /** Sum of the sizes of all its files. */
  bytes: byteCount,
  /** Files whose size is not in it; absent when there are none. */
  unsizedFiles: z.exactOptional(z.int().check(z.positive())),
  totals: z.exactOptional(totals),
  /** When a publication first lacked it. */
  withdrawnAt: z.exactOptional(timestamp),
});

/** The units of one KB, the newest first. */
export const unitsOfKb = z.object({
  units: z.readonly(z.array(z.object({ updateId: guid, createdAt: z.string() }))),
  total: z.exactOptional(z.int()),
});
