import * as z from 'zod/mini';
import { plural } from './narrator.ts';

/** What `sync-index` answers and logs of one invocation, as far as it is told here. */
const syncReport = z.looseObject({
  /** How it ended; `continues` when another invocation goes on. */
  outcome: z.string(),
  /** Why nothing was published. */
  reason: z.optional(z.string()),
  updates: z.optional(z.int()),
  files: z.optional(z.int()),
});
export type SyncReport = z.infer<typeof syncReport>;

/** @returns undefined when the value is no answer of the synchronisation */
export function readSyncReport(value: unknown): SyncReport | undefined {
  const parsed = syncReport.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** Why the index that Microsoft has out did not become the current one; undefined when nothing was in its way. */
export function whyNotPublished({ outcome, reason = 'without a reason' }: SyncReport): string | undefined {
  return outcome === 'refused' || outcome === 'failed' ? `${outcome}: ${reason}` : undefined;
}

/** One line for people. */
export function syncInWords(report: SyncReport): string {
  const why = whyNotPublished(report);
  const { outcome, updates = 0, files = 0 } = report;
  if (why !== undefined) return `the index was ${outcome === 'refused' ? why : `not read, the run ${why}`}`;
  switch (outcome) {
    case 'published':
      return `downloaded and decoded: ${plural(updates, 'update')}, ${plural(files, 'file')}; now the current index`;
    case 'unchanged':
      return 'unchanged: nothing is downloaded, the index of the repository is still the current one';
    case 'continues':
      return 'the work goes on in another invocation';
    default:
      return outcome;
  }
}
