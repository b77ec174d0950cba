import type { CheckInAnswer } from '#shared/contract/agent/check-in.ts';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import { type AssessedUpdate, assess, earliest, nextChangeOf } from '../core/assess.ts';
import { forgetAttempts, noteReceived } from '../core/journal.ts';
import { phases as everyPhase, hearing, online, type Phase } from '../core/phases.ts';
import { asksAgain, neededFiles, reportedPackages } from '../core/report.ts';
import { type CompiledRules, directPolicyOf } from '../core/settings.ts';
import { Actions } from './actions.ts';
import type { Agent } from './agent.ts';
import { CommandRun } from './command-run.ts';
import type { CycleOptions } from './cycle-options.ts';
import { describeHost } from './describe-host.ts';
import { Dialogue, type ReportOptions } from './dialogue.ts';
import type { CycleResult } from './documents.ts';
import { withFreshCookies } from './fresh-cookies.ts';
import { gather } from './gather.ts';
import { identityOf } from './identity.ts';
import { forgetMissing, type JournalBook, openJournal } from './journal-book.ts';
import { type Basis, changeIsDue, type Examination, examine, lookUp, lookUpPublications } from './look.ts';
import { Packages } from './packages.ts';
import { type CurrentIndex, summaryOfIndex } from './pull.ts';
import { keepRules } from './rules.ts';
import type { StepContext } from './steps.ts';
import { keepPackages, readPackages } from './stored-packages.ts';
import { Troubles } from './troubles.ts';
import { type Offer, readOffer } from './trust.ts';

/**
 * One cycle of an agent: check-in, signed repository, index, scan and judgement, lookup of files, report, download, installation; and when
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
    version: 2,
    startedAt: startedAt.toISOString(),
    endedAt: agent.adapters.clock.now().toISOString(),
    ...cycle.result(),
  };
  // A check-in alone found nothing that could take the place of the last scan.
  if (held !== undefined && result.phases.includes('scan')) {
    await cycle.attempt('scan', () => agent.adapters.documents.write('last-cycle', result));
  }
  return { ...result, problems: [...cycle.troubles.problems] };
}

/** A cycle while it runs: what it found so far. */
class Cycle {
  readonly troubles: Troubles;
  private readonly agent: Agent;
  private readonly options: CycleOptions;
  private readonly phases: Set<Phase>;
  private dialogue: Dialogue | undefined;
  private pollSeconds: number | undefined;
  private commands: CommandRun | undefined;
  private offer: Offer | undefined;
  private index: CurrentIndex | undefined;
  private rules: CompiledRules | undefined;
  private statuses: ReadonlyMap<string, FileStatus> = new Map();
  private updates: readonly AssessedUpdate[] | undefined;
  private nextChangeAt: string | undefined;
  private needs: readonly string[] = [];
  private readonly reports: CycleResult['reports'] = [];
  private actions: Actions | undefined;
  private packages: Packages | undefined;

  constructor(agent: Agent, options: CycleOptions) {
    this.troubles = new Troubles(agent.adapters.log);
    const renew = async (): Promise<boolean> => !this.troubles.barred && (await this.dialogue?.renewCookies()) === true;
    const repository = withFreshCookies(agent.adapters.repository, renew);
    this.agent = { ...agent, adapters: { ...agent.adapters, repository } };
    this.options = options;
    this.phases = new Set(options.phases ?? everyPhase);
    // What is told and what is pulled is believed only as far as it is signed.
    if (this.phases.has('check-in') || this.phases.has('pull')) this.phases.add('trust');
  }

  get firstPhase(): Phase {
    return everyPhase.find((phase) => this.phases.has(phase)) ?? 'scan';
  }

  result(): Omit<CycleResult, 'version' | 'startedAt' | 'endedAt'> {
    const { index, updates, actions } = this;
    const judged = this.packages?.judged ?? [];
    const next = earliest([this.nextChangeAt, ...judged.map(({ until }) => until)]);
    const state = this.troubles.hostState(updates && [...updates, ...judged].map((one) => one.state));
    return {
      phases: everyPhase.filter((phase) => this.phases.has(phase)),
      ...(this.pollSeconds === undefined ? {} : { pollSeconds: this.pollSeconds }),
      ...(index === undefined ? {} : { index: summaryOfIndex(index) }),
      ...(this.rules === undefined ? {} : { rulesRevision: this.rules.document.revision }),
      ...(next === undefined ? {} : { nextChangeAt: next }),
      ...(state === undefined ? {} : { state }),
      updates: (updates ?? []).map((update) => ({ ...update, kbs: [...update.kbs], files: [...update.files] })),
      packages: reportedPackages(judged),
      packageRuns: this.packages?.runs ?? [],
      needs: [...this.needs],
      reports: this.reports,
      downloads: actions?.downloads ?? [],
      installs: actions?.installs ?? [],
      commands: this.commands?.ended ?? [],
      removed: actions?.removed ?? [],
      problems: [...this.troubles.problems],
    };
  }

  attempt<T>(phase: Phase, action: () => Promise<T>): Promise<T | undefined> {
    return this.troubles.attempt(phase, action);
  }

  private does(phase: Phase): boolean {
    return this.phases.has(phase) && !(this.troubles.barred && online.has(phase));
  }

  async run(): Promise<void> {
    const { documents } = this.agent.adapters;
    const journal = await openJournal(documents);
    const dialogue = new Dialogue(this.agent, journal, this.options.signal);
    this.dialogue = dialogue;
    this.commands = new CommandRun(journal, this.agent.adapters.clock);
    await this.commands.endInterrupted();
    const onlyHears = this.hearsOnly();
    if (this.does('check-in')) await this.attempt('check-in', () => this.checkIn(dialogue));
    if (this.does('trust')) await this.attempt('trust', () => this.readOffer());
    // News is not only heard at a check-in that is alone, but also at the end of a cycle.
    if (onlyHears && (await this.attempt('trust', () => this.hasNews(dialogue))) === true) {
      for (const phase of everyPhase) this.phases.add(phase);
    }
    if (!this.hearsOnly()) await this.work(journal, dialogue);
    if (!(await this.commands.end(this.result()))) return;
    // Operators wait for outcomes: they are told now, not at the next cycle.
    if (this.does('check-in')) await this.attempt('check-in', () => this.tell(dialogue));
  }

  private async checkIn(dialogue: Dialogue): Promise<void> {
    const answer = await this.tell(dialogue);
    if (this.options.heedCommands === false) return;
    for (const phase of (await this.commands?.take(answer)) ?? []) this.phases.add(phase);
  }

  private async tell(dialogue: Dialogue): Promise<CheckInAnswer> {
    const answer = await dialogue.checkIn();
    this.pollSeconds = answer.pollSeconds;
    return answer;
  }

  private hearsOnly(): boolean {
    return [...this.phases].every((phase) => hearing.has(phase));
  }

  private async hasNews(dialogue: Dialogue): Promise<boolean> {
    return (await dialogue.trustIsNews(this.troubles.trustProblem)) || (await changeIsDue(this.agent));
  }

  /** What the signed repository offers now. */
  private async readOffer(): Promise<void> {
    const { documents } = this.agent.adapters;
    const offer = await readOffer(this.agent, await identityOf(documents), this.options.signal);
    await keepRules(documents, offer.rules);
    await keepPackages(documents, offer.packages);
    this.offer = offer;
  }

  /** Everything after check-in and trust. */
  private async work(journal: JournalBook, dialogue: Dialogue): Promise<void> {
    const basis = await this.gather(journal);
    if (basis === undefined) return this.reportNoScan(dialogue);
    const again = this.options.retryGivenUp === true || this.commands?.verbs.has('install') === true;
    if (again) await journal.change(forgetAttempts);
    const scanned = await this.attempt('scan', () => examine(this.agent, basis, this.options.signal));
    if (scanned === undefined) return this.reportNoScan(dialogue);
    const examined = this.does('lookup') ? await this.lookUp(basis, scanned) : scanned;
    const context: StepContext = { agent: this.agent, journal, signal: this.options.signal, away: new Set() };
    const packages = await this.openPackages(context, basis);
    this.conclude(basis, examined);
    if (this.does('report')) {
      const whole = this.options.wholeReport === true || this.commands?.verbs.has('report') === true;
      const asks = asksAgain(this.needs, this.statuses);
      await this.attempt('report', () => this.report(dialogue, basis, examined, { whole, again: asks }));
    }

    const actions = new Actions(context, this.troubles);
    this.actions = actions;
    if (this.does('download')) {
      await this.attempt('download', () => actions.download(examined.judged, this.knowledge(basis)));
      await this.attempt('download', () => packages.download());
    }
    const last = this.does('install') ? await this.install(actions, basis, examined) : examined;
    if (this.does('install')) await this.attempt('install', () => packages.install());
    await this.attempt('scan', () => packages.examine());
    this.conclude(basis, last);
    if (this.phases.has('download') || this.phases.has('install')) {
      await this.attempt('install', () => actions.clean(last.judged));
      await this.attempt('install', () => packages.clean());
    }
    if ((actions.acted || packages.acted) && this.does('report')) {
      await this.attempt('report', () => this.report(dialogue, basis, last));
    }
  }

  /** Packages that are for this host, as it stands with them now. */
  private async openPackages(context: StepContext, { rules }: Basis): Promise<Packages> {
    const manifests = await readPackages(this.agent.adapters.documents);
    const packages = new Packages(context, { rules, manifests }, this.troubles);
    this.packages = packages;
    await this.attempt('scan', () => packages.examine());
    return packages;
  }

  /** Asks what only the broker knows. @returns the look at the machine, judged by it */
  private async lookUp(basis: Basis, scanned: Examination): Promise<Examination> {
    const { agent } = this;
    const { signal } = this.options;
    const told = await this.attempt('lookup', () => lookUpPublications(agent, basis, scanned, signal));
    const { judged } = told ?? scanned;
    const held = this.offer?.held ?? new Map<string, FileStatus>();
    const statuses = await this.attempt('lookup', () => lookUp(agent, judged, this.knowledge(basis), held, signal));
    this.statuses = statuses ?? this.statuses;
    return told ?? scanned;
  }

  /** Installs, and scans again after each plan that was carried out. @returns the last look at the machine */
  private async install(actions: Actions, basis: Basis, examined: Examination): Promise<Examination> {
    let last = examined;
    for (let more = true; more; ) {
      const { judged } = last;
      const before = actions.installs.length;
      more = (await this.attempt('install', () => actions.install(judged, this.knowledge(basis)))) === true;
      if (actions.installs.length === before) return last;
      const next = await this.attempt('scan', () => examine(this.agent, basis, this.options.signal));
      if (next === undefined) return last;
      last = next;
    }
    return last;
  }

  /** Without a scan there is one thing to report: what the repository offers is of no use, so that somebody sees to it. */
  private async reportNoScan(dialogue: Dialogue): Promise<void> {
    const { indexProblem, trustProblem } = this.troubles;
    if ((indexProblem ?? trustProblem) === undefined || !this.does('report')) return;
    await this.attempt('report', () => this.report(dialogue, {}));
  }

  /** Index and rules to look at the machine with; undefined when there are none. */
  private async gather(journal: JournalBook): Promise<Basis | undefined> {
    const offer = this.does('pull') ? this.offer : undefined;
    const found = await gather(this.agent, this.troubles, { offer, signal: this.options.signal });
    this.index = found.index;
    const { bytesReceived = 0, bytesResumed = 0 } = found.index ?? {};
    const at = this.agent.adapters.clock.now().toISOString();
    await journal.change((before) => noteReceived(before, 'index', bytesReceived + bytesResumed, at));
    this.rules = found.rules;
    const { index, rules } = found;
    if (index === undefined || rules === undefined) return undefined;
    await forgetMissing(journal, this.agent.adapters.files);
    return { index, rules, journal };
  }

  private knowledge({ journal }: Pick<Basis, 'journal'>) {
    return {
      statuses: this.statuses,
      journal: journal.current,
      direct: directPolicyOf(this.agent.settings.direct, this.rules),
      maxInstallAttempts: this.agent.settings.maxInstallAttempts,
    };
  }

  private conclude(basis: Basis, { judged, scan }: Examination): void {
    const knowledge = this.knowledge(basis);
    this.updates = assess(judged, scan.installed, knowledge);
    this.needs = neededFiles(judged, knowledge);
    this.nextChangeAt = nextChangeOf(judged);
  }

  private async report(
    dialogue: Dialogue,
    { index }: Partial<Basis>,
    examined?: Examination,
    options: ReportOptions = { whole: false, again: false },
  ): Promise<void> {
    const { updates = [], needs } = this;
    const report = await describeHost(this.agent, this.troubles, {
      rules: this.rules?.document,
      indexSha256: examined && index?.pointer.sha256,
      updates,
      needs,
      packages: examined && this.packages?.judged,
    });
    const now = this.agent.adapters.clock.now().toISOString();
    const answer = await dialogue.report(report, examined?.moment ?? { at: now, milliseconds: 0 }, options);
    if (answer !== undefined) this.reports.push(answer);
  }
}
