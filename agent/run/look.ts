import * as z from 'zod/mini';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { ScanMoment } from '#shared/contract/agent/report.ts';
import type { HostScan } from '#shared/core/catalog/scan.ts';
import { type JudgedUpdate, judgeScan, type Knowledge, wantedFiles } from '../core/assess.ts';
import { passesBroker } from '../core/direct.ts';
import { type FirstPublications, keepPublications, unknownPublications } from '../core/first-published.ts';
import { settle } from '../core/journal.ts';
import type { CompiledRules } from '../core/settings.ts';
import type { Documents } from '../ports/documents.ts';
import type { Agent } from './agent.ts';
import { cycleResult, firstPublishedDocument } from './documents.ts';
import type { JournalBook } from './journal-book.ts';
import type { CurrentIndex } from './pull.ts';
import { checkStopped, withRetries } from './retry.ts';

/** What a machine is looked at with. */
export interface Basis {
  readonly index: CurrentIndex;
  readonly rules: CompiledRules;
  readonly journal: JournalBook;
}

/** What one look at the machine gave. */
export interface Examination {
  readonly scan: HostScan;
  readonly moment: ScanMoment;
  readonly judged: readonly JudgedUpdate[];
}

/** Scans, and judges by what is known here. @throws AgentError */
export async function examine(
  { adapters }: Agent,
  { index, rules, journal }: Basis,
  signal: AbortSignal | undefined,
): Promise<Examination> {
  const { clock, documents, updateAgent } = adapters;
  checkStopped(signal);
  const scannedAt = clock.now();
  const scan = await updateAgent.scan({ path: index.path, sha256: index.pointer.sha256 });
  const now = clock.now();
  const milliseconds = Math.max(0, Math.round(now.getTime() - scannedAt.getTime()));
  await journal.change((before) => settle(before, scan));
  const judged = judgeScan(scan, { compiled: rules, now, firstPublished: await readPublications(documents) });
  return { scan, moment: { at: scannedAt.toISOString(), milliseconds }, judged };
}

/**
 * Asks the broker when updates were first published, where that may change a verdict, and judges anew by the answers. They
 * are kept as long as the update is needed; what the broker does not know is asked again next time.
 *
 * @throws AgentError
 */
export async function lookUpPublications(
  agent: Agent,
  { rules }: Basis,
  examined: Examination,
  signal: AbortSignal | undefined,
): Promise<Examination> {
  const { broker, clock, documents } = agent.adapters;
  const { scan, judged } = examined;
  const known = await readPublications(documents);
  const ids = unknownPublications(judged, rules.document.packages, known);
  const answers =
    ids.length === 0
      ? new Map<string, string>()
      : await withRetries(agent, 'lookup', () => broker.lookupUpdates(ids, signal), signal);
  const kept = keepPublications(new Map([...known, ...answers]), scan.needed);
  if (kept.size !== known.size || answers.size > 0) {
    const updates = [...kept].map(([updateId, firstPublishedAt]) => ({ updateId, firstPublishedAt }));
    await documents.write('first-published', { version: 1, updates });
  }
  if (answers.size === 0) return examined;
  return { ...examined, judged: judgeScan(scan, { compiled: rules, now: clock.now(), firstPublished: kept }) };
}

/** Whether a verdict of the last scan has changed by itself since, because a delay or a rule has ended. @throws AgentError */
export async function changeIsDue({ adapters: { clock, documents } }: Agent): Promise<boolean> {
  const last = await documents.read('last-cycle', (value) => z.parse(cycleResult, value));
  return last?.nextChangeAt !== undefined && Date.parse(last.nextChangeAt) <= clock.now().getTime();
}

async function readPublications(documents: Documents): Promise<FirstPublications> {
  const kept = await documents.read('first-published', (value) => z.parse(firstPublishedDocument, value));
  return new Map(kept?.updates.map(({ updateId, firstPublishedAt }) => [updateId, firstPublishedAt]));
}

/**
 * What is known of the wanted files that are not here yet: the signed catalogue names those that are held, and the broker is
 * asked about the others, but not about those that are not to come by it; nothing is asked when there are none.
 *
 * @throws AgentError
 */
export async function lookUp(
  agent: Agent,
  judged: readonly JudgedUpdate[],
  knowledge: Pick<Knowledge, 'journal' | 'direct'>,
  held: ReadonlyMap<string, FileStatus>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, FileStatus>> {
  const stored = new Set(knowledge.journal.stored.map((file) => file.sha1));
  const open = wantedFiles(judged).filter((file) => !stored.has(file.sha1));
  const wanted = open.map((file) => file.sha1);
  const named = wanted.flatMap((sha1) => held.get(sha1) ?? []);
  const digests = open.flatMap((file) => (held.has(file.sha1) || passesBroker(file, knowledge) ? [] : [file.sha1]));
  const known = new Map(named.map((status) => [status.sha1, status]));
  if (digests.length === 0) return known;
  const { broker } = agent.adapters;
  const answers = await withRetries(agent, 'lookup', () => broker.lookupFiles(digests, signal), signal);
  return new Map([...known, ...answers.map((status) => [status.sha1, status] as const)]);
}
