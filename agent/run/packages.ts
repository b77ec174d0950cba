import {
  inOrderOfNeeds,
  type JudgedPackage,
  judgePackage,
  type PackageKnowledge,
} from '#shared/core/packages/judge.ts';
import { type PackageManifest, packageRef } from '#shared/core/packages/model.ts';
import { switchedOffInWords } from '#shared/core/rules/words.ts';
import { packageRecordOf, settlePackages } from '../core/package-journal.ts';
import { planPackageDownloads, planPackageRemovals, planPackageRun } from '../core/plan-packages.ts';
import type { CompiledRules } from '../core/settings.ts';
import type { Agent } from './agent.ts';
import type { CycleResult } from './documents.ts';
import type { JournalBook } from './journal-book.ts';
import { stopsTheRest } from './step-failures.ts';
import { runStep, type StepContext } from './steps.ts';
import type { Troubles } from './troubles.ts';

/** Administrators' own packages in one cycle: what is for this host, how it stands with each, and what is done. */
export class Packages {
  readonly runs: CycleResult['packageRuns'] = [];
  /** Undefined before the machine was looked at. */
  judged: readonly JudgedPackage[] | undefined;
  private readonly agent: Agent;
  private readonly journal: JournalBook;
  private readonly rules: CompiledRules;
  private readonly manifests: readonly PackageManifest[];
  private readonly troubles: Troubles;
  private readonly context: StepContext;
  private failedDownloads = 0;

  constructor(
    context: StepContext,
    { rules, manifests }: { readonly rules: CompiledRules; readonly manifests: readonly PackageManifest[] },
    troubles: Troubles,
  ) {
    this.agent = context.agent;
    this.journal = context.journal;
    this.context = context;
    this.rules = rules;
    this.manifests = inOrderOfNeeds(manifests);
    this.troubles = troubles;
  }

  /** Something happened that is worth another report. */
  get acted(): boolean {
    return this.runs.length > 0 || this.failedDownloads > 0;
  }

  /** Looks at the machine and judges each package. @throws AgentError */
  async examine(): Promise<void> {
    const { packageRunner, files, clock } = this.agent.adapters;
    if (this.manifests.length === 0) {
      await this.journal.change((before) => settlePackages(before, []));
      this.judged = [];
      return;
    }
    const detected = new Set<string>();
    for (const manifest of this.manifests)
      if (await packageRunner.detect(manifest.detection)) detected.add(packageRef(manifest));
    const open = this.manifests.filter((manifest) => !detected.has(packageRef(manifest)));
    await this.journal.change((before) => settlePackages(before, open));
    const { settings } = this.rules.rules;
    const knowledge: Omit<PackageKnowledge, 'detected' | 'record'> = {
      facts: { ...(await packageRunner.facts()), freeBytes: await files.freeBytes() },
      installed: detected,
      now: clock.now(),
      delaySeconds: settings.installDelay?.value ?? 0,
      switchedOff: switchedOffInWords(settings),
      maxAttempts: this.agent.settings.maxInstallAttempts,
      stored: await this.stored(),
      downloadFailures: new Map(this.journal.current.packageDownloads.map(({ sha256, error }) => [sha256, error])),
    };
    this.judged = this.manifests.map((manifest) =>
      judgePackage(manifest, {
        ...knowledge,
        detected: detected.has(packageRef(manifest)),
        record: packageRecordOf(this.journal.current, manifest),
      }),
    );
  }

  async download(): Promise<void> {
    for (const step of planPackageDownloads(this.judged ?? [], await this.stored())) {
      if (this.context.away.has('repository')) return;
      const { error } = await runStep(step, this.context);
      if (error === undefined) continue;
      this.failedDownloads += 1;
      this.troubles.note('download', error);
      if (stopsTheRest(error)) return;
    }
  }

  /** Runs what can be run, each once in a cycle, and looks again after each. @throws AgentError */
  async install(): Promise<void> {
    const tried = new Set<string>();
    while (this.context.signal?.aborted !== true) {
      const step = planPackageRun(this.judged ?? [], await this.stored(), tried);
      if (step === undefined) return;
      tried.add(packageRef(step.manifest));
      const { error, ...result } = await runStep(step, this.context);
      this.runs.push(result);
      if (error !== undefined) this.troubles.note('install', error);
      await this.examine();
    }
  }

  async clean(): Promise<void> {
    if (this.judged === undefined) return;
    const onDisk = await this.onDisk();
    for (const step of planPackageRemovals(this.judged, [...onDisk.keys()])) await runStep(step, this.context);
  }

  private async stored(): Promise<ReadonlySet<string>> {
    return new Set([...(await this.onDisk())].flatMap(([sha256, whole]) => (whole ? [sha256] : [])));
  }

  /** Whether each file is whole, by SHA-256. */
  private async onDisk(): Promise<ReadonlyMap<string, boolean>> {
    const listed = await this.agent.adapters.files.list('package');
    return new Map(
      listed.flatMap(({ slot, whole }) => (slot.kind === 'package' ? [[slot.sha256, whole] as const] : [])),
    );
  }
}
