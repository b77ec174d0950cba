import * as z from 'zod/mini';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import { type HostReport, hostFacts, hostReport } from '#shared/contract/agent/report.ts';
import { type RulesDocument, rulesDocument } from '#shared/contract/rules.ts';
import type { HostScan } from '#shared/core/catalog/scan.ts';
import { hostStateOf } from '#shared/core/status/states.ts';
import { type AssessedUpdate, assess, type JudgedUpdate, judgeScan, wantedFiles } from '../core/assess.ts';
import { forgetAttempts, keepStored, settle } from '../core/journal.ts';
import { planDownloads, planInstalls, planRemovals } from '../core/plan.ts';
import { buildReport, neededFiles } from '../core/report.ts';
import { AgentError, uselessIndex } from '../ports/agent-error.ts';
import type { Agent } from './agent.ts';
import { type CycleProblem, type CycleResult, phases as everyPhase, type Phase } from './documents.ts';
import { type JournalBook, openJournal } from './journal-book.ts';
import { type CurrentIndex, pullIndex, storedIndex, summaryOfIndex } from './pull.ts';
import { checkStopped, withRetries } from './retry.ts';
import { runStep, type StepContext, stopsTheRest } from './steps.ts';

export interface CycleOptions {
  /**
   * What to do; the rest is taken from what earlier cycles stored.
   *
   * @default all phases
   */
  readonly phases?: readonly Phase[];
  /** Stops the cycle between steps and inside downloads. */
  readonly signal?: AbortSignal;
  /**
   * Also try updates again whose attempts are used up.
   *
   * @default false
   */
  readonly retryGivenUp?: boolean;
}

/**
 * One cycle of an agent: index, rules, scan and judgement, lookup of files, report, download, installation; and when
 * something was installed or failed, another scan and report. A phase that fails is a problem in the result, and the
 * cycle goes on with what earlier cycles stored: with the broker away, what is downloaded is still installed by the last
 * known rules. Never throws AgentError; any other error is a fault of the program.
 */
export async function runCycle(agent: Agent, options: CycleOptions = {}): Promise<CycleResult> {
  const startedAt = agent.adapters.clock.now();
  const cycle = new Cycle(agent, options);
  const held = await cycle.attempt(cycle.firstPhase, () => agent.adapters.lock.acquire());
  if (held !== undefined) {
    try {
      await cycle.attempt('scan', () => cycle.run());
    } finally {
      await held.release();
    }
  }
  const result: CycleResult = {
    version: 1,
    startedAt: startedAt.toISOString(),
    endedAt: agent.adapters.clock.now().toISOString(),
    ...cycle.result(),
  };
  if (held !== undefined) {
    await cycle.attempt('scan', () => agent.adapters.documents.write('last-cycle', result));
  }
  return { ...result, problems: [...cycle.problems] };
}

/** What one look at the machine gave. */
interface Examination {
  readonly scan: HostScan;
  readonly scannedAt: Date;
  readonly scanMilliseconds: number;
  readonly judged: readonly JudgedUpdate[];
}

interface Basis {
  readonly index: CurrentIndex;
  readonly rules: RulesDocument;
  readonly journal: JournalBook;
}

/** A cycle while it runs: what it found so far. */
class Cycle {
  readonly problems: CycleProblem[] = [];
  private readonly agent: Agent;
  private readonly options: CycleOptions;
  private readonly phases: ReadonlySet<Phase>;
  private index: CurrentIndex | undefined;
  /** Why the index that the repository offers cannot be used: the first that was found. */
  private indexProblem: string | undefined;
  private rules: RulesDocument | undefined;
  private statuses: ReadonlyMap<string, FileStatus> = new Map();
  private updates: readonly AssessedUpdate[] | undefined;
  private needs: readonly string[] = [];
  private readonly reports: CycleResult['reports'] = [];
  private readonly downloads: CycleResult['downloads'] = [];
  private readonly installs: CycleResult['installs'] = [];
  private readonly removed: string[] = [];

  constructor(agent: Agent, options: CycleOptions) {
    this.agent = agent;
    this.options = options;
    this.phases = new Set(options.phases ?? everyPhase);
  }

  get firstPhase(): Phase {
    return everyPhase.find((phase) => this.phases.has(phase)) ?? 'scan';
  }

  result(): Omit<CycleResult, 'version' | 'startedAt' | 'endedAt'> {
    const { index, indexProblem, updates } = this;
    return {
      phases: everyPhase.filter((phase) => this.phases.has(phase)),
      ...(index === undefined ? {} : { index: summaryOfIndex(index) }),
      ...(this.rules === undefined ? {} : { rulesRevision: this.rules.revision }),
      ...(updates === undefined && indexProblem === undefined
        ? {}
        : {
            state: hostStateOf(
              (updates ?? []).map(({ state }) => state),
              indexProblem,
            ),
          }),
      updates: (updates ?? []).map((update) => ({ ...update, kbs: [...update.kbs], files: [...update.files] })),
      needs: [...this.needs],
      reports: this.reports,
      downloads: this.downloads,
      installs: this.installs,
      removed: this.removed,
      problems: [...this.problems],
    };
  }

  /** Runs a phase; an AgentError becomes a problem of the result. */
  async attempt<T>(phase: Phase, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.note(phase, error);
      return undefined;
    }
  }

  private note(phase: Phase, { code, message, retryable, retryAfterSeconds }: AgentError): void {
    if ((phase === 'pull' || phase === 'scan') && uselessIndex.has(code)) this.indexProblem ??= message;
    this.agent.adapters.log({ level: code === 'stopped' ? 'info' : 'warn', message: `${phase}: ${message}` });
    this.problems.push({
      phase,
      code,
      message,
      retryable,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }

  async run(): Promise<void> {
    const basis = await this.gather();
    if (basis === undefined) return this.reportNoScan();
    const { journal } = basis;
    if (this.options.retryGivenUp === true) await journal.change(forgetAttempts);
    const first = await this.attempt('scan', () => this.examine(basis));
    if (first === undefined) return this.reportNoScan();
    if (this.phases.has('lookup')) {
      this.statuses = (await this.attempt('lookup', () => this.lookUp(first.judged, journal))) ?? this.statuses;
    }
    this.conclude(basis, first);
    if (this.phases.has('report')) await this.attempt('report', () => this.report(basis.rules, { ...basis, ...first }));

    const context: StepContext = { agent: this.agent, journal, signal: this.options.signal };
    if (this.phases.has('download')) await this.attempt('download', () => this.download(first.judged, context));
    if (this.phases.has('install')) await this.attempt('install', () => this.install(first.judged, context));
    const acted = this.installs.length > 0;
    const failed = this.downloads.some((one) => one.outcome === 'failed');
    const last = acted ? ((await this.attempt('scan', () => this.examine(basis))) ?? first) : first;
    this.conclude(basis, last);
    if (this.phases.has('download') || this.phases.has('install')) {
      await this.attempt('install', () => this.clean(last.judged, context));
    }
    if ((acted || failed) && this.phases.has('report')) {
      await this.attempt('report', () => this.report(basis.rules, { ...basis, ...last }));
    }
  }

  /** Without a scan there is one thing to report: that the index is of no use, so that somebody sees to it. */
  private async reportNoScan(): Promise<void> {
    const { rules, indexProblem } = this;
    if (rules === undefined || indexProblem === undefined || !this.phases.has('report')) return;
    await this.attempt('report', () => this.report(rules));
  }

  /** Index and rules: fresh ones where the phases say so, else, or when that fails, those that are stored. */
  private async gather(): Promise<Basis | undefined> {
    const { documents, broker, files } = this.agent.adapters;
    const { signal } = this.options;
    if (this.phases.has('pull')) this.index = await this.attempt('pull', () => pullIndex(this.agent, signal));
    this.index ??= await this.attempt('pull', () => storedIndex(this.agent));
    if (this.phases.has('rules')) {
      this.rules = await this.attempt('rules', async () => {
        const fresh = await withRetries(this.agent, 'rules', () => broker.getRules(signal), signal);
        await documents.write('rules', fresh);
        return fresh;
      });
    }
    this.rules ??= await this.attempt('rules', () => documents.read('rules', (value) => z.parse(rulesDocument, value)));
    const { index, rules } = this;
    if (index === undefined || rules === undefined) {
      const usable = this.indexProblem === undefined ? 'index' : 'usable index';
      const lacks = [...(index ? [] : [usable]), ...(rules ? [] : ['rules'])].join(' and no ');
      this.note('scan', new AgentError('nothing-stored', `cannot scan: no ${lacks} is stored here yet`));
      return undefined;
    }
    const journal = await openJournal(documents);
    const onDisk = (await files.list('payload')).flatMap(({ slot, whole }) =>
      slot.kind === 'payload' && whole ? [slot.sha1] : [],
    );
    await journal.change((before) => keepStored(before, new Set(onDisk)));
    return { index, rules, journal };
  }

  private async examine({ index, rules, journal }: Basis): Promise<Examination> {
    const { clock, updateAgent } = this.agent.adapters;
    checkStopped(this.options.signal);
    const scannedAt = clock.now();
    const scan = await updateAgent.scan({ path: index.path, sha256: index.pointer.sha256 });
    const scanMilliseconds = clock.now().getTime() - scannedAt.getTime();
    await journal.change((before) => settle(before, scan));
    return { scan, scannedAt, scanMilliseconds, judged: judgeScan(scan, rules) };
  }

  /** Asks about the wanted files that are not here yet. */
  private async lookUp(
    judged: readonly JudgedUpdate[],
    journal: JournalBook,
  ): Promise<ReadonlyMap<string, FileStatus>> {
    const stored = new Set(journal.current.stored.map((file) => file.sha1));
    const digests = wantedFiles(judged).flatMap((file) => (stored.has(file.sha1) ? [] : [file.sha1]));
    if (digests.length === 0) return new Map();
    const { broker } = this.agent.adapters;
    const { signal } = this.options;
    const answers = await withRetries(this.agent, 'lookup', () => broker.lookupFiles(digests, signal), signal);
    return new Map(answers.map((status) => [status.sha1, status]));
  }

  private knowledge({ journal }: Pick<Basis, 'journal'>) {
    return {
      statuses: this.statuses,
      journal: journal.current,
      maxInstallAttempts: this.agent.settings.maxInstallAttempts,
    };
  }

  private conclude(basis: Basis, { judged, scan }: Examination): void {
    const stored = new Set(basis.journal.current.stored.map((file) => file.sha1));
    this.updates = assess(judged, scan.installed, this.knowledge(basis));
    this.needs = neededFiles(judged, this.statuses, stored);
  }

  private async report(rules: RulesDocument, examined?: Examination & Pick<Basis, 'index'>): Promise<void> {
    const { broker, clock, updateAgent } = this.agent.adapters;
    const machine = await updateAgent.machine();
    const report: HostReport = z.parse(
      hostReport,
      buildReport({
        host: z.parse(hostFacts, { ...machine, agentVersion: this.agent.settings.agentVersion }),
        indexSha256: examined?.index.pointer.sha256,
        indexProblem: this.indexProblem,
        rulesRevision: rules.revision,
        scannedAt: examined?.scannedAt ?? clock.now(),
        scanMilliseconds: examined?.scanMilliseconds ?? 0,
        updates: this.updates ?? [],
        needs: this.needs,
      }),
    );
    const { signal } = this.options;
    this.reports.push(await withRetries(this.agent, 'report', () => broker.postReport(report, signal), signal));
  }

  private async download(judged: readonly JudgedUpdate[], context: StepContext): Promise<void> {
    for (const step of planDownloads(judged, this.knowledge(context))) {
      const { error, ...result } = await runStep(step, context);
      this.downloads.push(result);
      if (error === undefined) continue;
      this.note('download', error);
      if (stopsTheRest(error)) return;
    }
  }

  private async install(judged: readonly JudgedUpdate[], context: StepContext): Promise<void> {
    for (const step of planInstalls(judged, this.knowledge(context))) {
      if (this.options.signal?.aborted) break;
      const { error, ...result } = await runStep(step, context);
      this.installs.push(result);
      if (error !== undefined) this.note('install', error);
    }
  }

  private async clean(judged: readonly JudgedUpdate[], context: StepContext): Promise<void> {
    const onDisk = await this.agent.adapters.files.list('payload');
    const digests = onDisk.flatMap(({ slot }) => (slot.kind === 'payload' ? [slot.sha1] : []));
    for (const step of planRemovals(judged, digests)) this.removed.push((await runStep(step, context)).sha1);
  }
}
