import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { ScanMoment } from '#shared/contract/agent/report.ts';
import type { RulesDocument } from '#shared/contract/rules.ts';
import type { HostScan } from '#shared/core/catalog/scan.ts';
import { type JudgedUpdate, judgeScan, wantedFiles } from '../core/assess.ts';
import { settle } from '../core/journal.ts';
import type { Agent } from './agent.ts';
import type { JournalBook } from './journal-book.ts';
import type { CurrentIndex } from './pull.ts';
import { checkStopped, withRetries } from './retry.ts';

/** What a machine is looked at with. */
export interface Basis {
  readonly index: CurrentIndex;
  readonly rules: RulesDocument;
  readonly journal: JournalBook;
}

/** What one look at the machine gave. */
export interface Examination {
  readonly scan: HostScan;
  readonly moment: ScanMoment;
  readonly judged: readonly JudgedUpdate[];
}

/** Scans and judges. @throws AgentError */
export async function examine(
  { adapters }: Agent,
  { index, rules, journal }: Basis,
  signal: AbortSignal | undefined,
): Promise<Examination> {
  const { clock, updateAgent } = adapters;
  checkStopped(signal);
  const scannedAt = clock.now();
  const scan = await updateAgent.scan({ path: index.path, sha256: index.pointer.sha256 });
  const milliseconds = Math.max(0, Math.round(clock.now().getTime() - scannedAt.getTime()));
  await journal.change((before) => settle(before, scan));
  return { scan, moment: { at: scannedAt.toISOString(), milliseconds }, judged: judgeScan(scan, rules) };
}

/** Asks the broker about the wanted files that are not here yet; nothing is asked when there are none. @throws AgentError */
export async function lookUp(
  agent: Agent,
  judged: readonly JudgedUpdate[],
  journal: JournalBook,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, FileStatus>> {
  const stored = new Set(journal.current.stored.map((file) => file.sha1));
  const digests = wantedFiles(judged).flatMap((file) => (stored.has(file.sha1) ? [] : [file.sha1]));
  if (digests.length === 0) return new Map();
  const { broker } = agent.adapters;
  const answers = await withRetries(agent, 'lookup', () => broker.lookupFiles(digests, signal), signal);
  return new Map(answers.map((status) => [status.sha1, status]));
}
