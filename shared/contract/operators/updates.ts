import * as z from 'zod/mini';
import type { StoredUnit } from '../../core/catalog/unit-facts.ts';
import { unitFacts } from '../catalog-facts.ts';
import { payloadFile } from '../payload-file.ts';
import { byteCount, kbNumber } from '../primitives.ts';

/** All that is kept of one update, with the facts of its files. */
export const updateView = z.object({
  version: z.literal(1),
  update: unitFacts,
  /** In the order of `update.files`; a digest alone when the index said nothing else of it. */
  files: z.array(payloadFile),
  /** How much of them the repository has; hosts install an update when all of its files are there. */
  progress: z.optional(
    z.object({
      files: z.int(),
      filesHeld: z.int(),
      /** Of the others, those that are asked for and not given up. Absent from older brokers. */
      filesComing: z.exactOptional(z.int()),
      /** Held, or fetched so far. */
      bytes: byteCount,
      of: byteCount,
      /** Of the fetches under way; absent when there are none. */
      bytesPerSecond: z.exactOptional(z.number()),
      secondsLeft: z.exactOptional(z.int()),
    }),
  ),
});
export type UpdateFactsView = z.infer<typeof updateView>;

const { updateId, revision, createdAt, firstPublishedAt, title, kbs, severity, classification } = unitFacts.shape;
const { products, reboot, bytes, withdrawnAt } = unitFacts.shape;

/** One line of a list of updates. */
const updateSummary = z.object({
  updateId,
  revision,
  createdAt,
  firstPublishedAt,
  title,
  kbs,
  severity,
  classification,
  products,
  reboot,
  bytes,
  withdrawnAt,
  /** How many files it has. */
  files: byteCount,
  /** How many newer updates replace it. */
  supersededBy: byteCount,
});
export type UpdateSummary = z.infer<typeof updateSummary>;

export const updatesPage = z.object({
  version: z.literal(1),
  kb: kbNumber,
  /** The newest first. */
  updates: z.array(updateSummary),
  /** UpdateIds of rows in the store that could not be parsed: named, never dropped in silence. */
  unreadable: z.array(z.string()),
  /** How many updates the KB has, over all pages. */
  total: byteCount,
  next: z.optional(z.string()),
});

/** The line of a list that goes with these facts. */
export function summarize(unit: StoredUnit): UpdateSummary {
  const { families: _, bulletins: __, cves: ___, supersedes: ____, files, supersededBy, totals, ...rest } = unit;
  return {
    ...rest,
    files: totals?.files ?? files.length,
    supersededBy: totals?.supersededBy ?? supersededBy.length,
  };
}
