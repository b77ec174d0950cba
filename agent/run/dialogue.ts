import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { type CheckInAnswer, maxOutcomes } from '#shared/contract/agent/check-in.ts';
import {
  type HostReport,
  hostReport,
  type ReportAnswer,
  type ReportMessage,
  type ScanMoment,
} from '#shared/contract/agent/report.ts';
import { changesBetween, orderReport, reportText } from '#shared/contract/agent/report-changes.ts';
import { packageRef } from '#shared/core/packages/model.ts';
import { acknowledge, openOutcomes } from '../core/commands.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Agent } from './agent.ts';
import { type AcceptedReport, acceptedReportDocument } from './documents.ts';
import type { JournalBook } from './journal-book.ts';
import { withRetries } from './retry.ts';
import { readHostRules } from './rules.ts';
import { readPackages } from './stored-packages.ts';

/** Cookies that were got no longer ago are not the reason of a refusal. Seconds. */
const freshForSeconds = 300;

export interface ReportOptions {
  /** Also when nothing changed, and not as changes. */
  readonly whole: boolean;
  /** Also when nothing changed: the broker shall look at the needs again. */
  readonly again: boolean;
}

/** What one cycle says to the broker, and what it keeps of the answers. */
export class Dialogue {
  private readonly agent: Agent;
  private readonly journal: JournalBook;
  private readonly signal: AbortSignal | undefined;
  /** Hash of a report that the broker said it does not have. */
  private unknownHash: string | undefined;
  private cookiesAt: number | undefined;

  constructor(agent: Agent, journal: JournalBook, signal: AbortSignal | undefined) {
    this.agent = agent;
    this.journal = journal;
    this.signal = signal;
  }

  /**
   * Whether the last report was judged by other rules than those that are here, or for other packages, or knew of no such
   * trouble, or of another.
   */
  async trustIsNews(trustProblem: string | undefined): Promise<boolean> {
    const [rules, accepted] = [await readHostRules(this.agent.adapters.documents), await this.accepted()];
    if (accepted === undefined) return false;
    const { report } = accepted;
    // Without a scan there was nothing to say of packages.
    if (report.indexSha256 !== undefined) {
      const [has, had] = [await readPackages(this.agent.adapters.documents), report.packages ?? []].map(refsOf);
      if (has !== had) return true;
    }
    return report.trustProblem !== trustProblem || (rules !== undefined && rules.revision !== report.rulesRevision);
  }

  /**
   * Says how things stand, and keeps what the answer brings: cookies, and that outcomes were taken down.
   *
   * @param newCookies those that are here are no good
   * @throws AgentError
   */
  async checkIn(newCookies = false): Promise<CheckInAnswer> {
    const { broker, cookies, clock } = this.agent.adapters;
    const accepted = await this.accepted();
    const held = newCookies ? undefined : await cookies.get();
    const { received } = this.journal.current;
    const answer = await this.retrying('check-in', () =>
      broker.checkIn(
        {
          version: 1,
          ...(accepted && { report: { hash: accepted.hash, scannedAt: accepted.scannedAt } }),
          ...(held && { cookiesUntil: held.expiresAt }),
          outcomes: [...openOutcomes(this.journal.current, maxOutcomes)],
          ...(received && { received }),
        },
        this.signal,
      ),
    );
    if (answer.cookies) {
      await cookies.put(answer.cookies);
      this.cookiesAt = clock.now().getTime();
    }
    if (accepted && !answer.knowsReport) this.unknownHash = accepted.hash;
    await this.journal.change((before) => acknowledge(before, answer.acknowledged, answer.serverTime));
    return answer;
  }

  /** Gets cookies anew, unless those that are here are fresh. @returns whether there are others now */
  async renewCookies(): Promise<boolean> {
    const { clock, cookies } = this.agent.adapters;
    const age = this.cookiesAt === undefined ? Infinity : (clock.now().getTime() - this.cookiesAt) / 1000;
    if (age < freshForSeconds) return false;
    // Whatever comes of it, it is not asked again for each object.
    this.cookiesAt = clock.now().getTime();
    const before = await cookies.get();
    await this.checkIn(true);
    return JSON.stringify(await cookies.get()) !== JSON.stringify(before);
  }

  /**
   * Brings a report to the broker: nothing when it has the same, else what changed, or the whole when it does not know
   * what that is to, or when the changes are longer. What it took is kept as the base of the next.
   *
   * @returns undefined when there was nothing to send
   * @throws AgentError
   */
  async report(found: HostReport, scan: ScanMoment, options: ReportOptions): Promise<ReportAnswer | undefined> {
    const report = z.parse(hostReport, orderReport(found));
    const hash = createHash('sha256').update(reportText(report)).digest('hex');
    const accepted = await this.accepted();
    const base = accepted?.hash === this.unknownHash ? undefined : accepted;
    if (base?.hash === hash && !options.whole && !options.again) {
      await this.keep({ version: 1, hash, scannedAt: scan.at, report });
      return undefined;
    }
    const whole: ReportMessage = { version: 2, kind: 'whole', scan, report };
    const message =
      options.whole || base === undefined ? whole : shorter(changesTo(base, { hash, report, scan }), whole);
    const answer = await this.post(message, whole);
    if (answer.hash !== hash) {
      throw new AgentError('bad-answer', `the broker keeps a report with the hash ${answer.hash}, sent was ${hash}`);
    }
    await this.keep({ version: 1, hash, scannedAt: scan.at, report });
    this.unknownHash = undefined;
    return answer;
  }

  private async post(message: ReportMessage, whole: ReportMessage): Promise<ReportAnswer> {
    const { broker, log } = this.agent.adapters;
    const send = (sent: ReportMessage) => this.retrying('report', () => broker.postReport(sent, this.signal));
    try {
      return await send(message);
    } catch (error) {
      // Changes that the broker cannot apply, for whatever reason, are no reason to stay unheard.
      const mendable = error instanceof AgentError && (error.code === 'unknown-base' || error.code === 'rejected');
      if (!mendable || message.kind === 'whole') throw error;
      log({ level: 'info', message: `report: ${error.message}; sending the whole` });
      return send(whole);
    }
  }

  private accepted(): Promise<AcceptedReport | undefined> {
    return this.agent.adapters.documents.read('accepted-report', (value) => z.parse(acceptedReportDocument, value));
  }

  private keep(accepted: AcceptedReport): Promise<void> {
    return this.agent.adapters.documents.write('accepted-report', accepted);
  }

  private retrying<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return withRetries(this.agent, what, attempt, this.signal);
  }
}

const refsOf = (packages: readonly { readonly name: string; readonly packageVersion: string }[]): string =>
  packages.map(packageRef).toSorted().join();

const changesTo = (
  base: AcceptedReport,
  { hash, report, scan }: { readonly hash: string; readonly report: HostReport; readonly scan: ScanMoment },
): ReportMessage => ({
  version: 2,
  kind: 'changes',
  scan,
  base: base.hash,
  result: hash,
  changes: changesBetween(base.report, report),
});

const shorter = (a: ReportMessage, b: ReportMessage): ReportMessage =>
  JSON.stringify(a).length < JSON.stringify(b).length ? a : b;
