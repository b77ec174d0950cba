import type { UpdateIdentity } from '#shared/core/catalog/model.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import type { JudgedUpdate, Knowledge } from '../core/assess.ts';
import { noteDownloadFailure } from '../core/journal.ts';
import { byUpdate, planDownloads, planInstalls, planRemovals, type StepOf } from '../core/plan.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { CycleResult } from './documents.ts';
import { ensureRoom } from './download.ts';
import { stopsTheRest } from './step-failures.ts';
import { runStep, type StepContext } from './steps.ts';
import type { Troubles } from './troubles.ts';

const nameOf = ({ updateId, revision }: UpdateIdentity): string => `${updateId}_${revision}`;

/** What a cycle changes on the machine and in the data folder, and how that went. */
export class Actions {
  readonly downloads: CycleResult['downloads'] = [];
  readonly installs: CycleResult['installs'] = [];
  readonly removed: string[] = [];
  private readonly context: StepContext;
  private readonly troubles: Troubles;

  constructor(context: StepContext, troubles: Troubles) {
    this.context = context;
    this.troubles = troubles;
  }

  /** Something happened that is worth another report. */
  get acted(): boolean {
    return this.installs.length > 0 || this.downloads.some(({ outcome }) => outcome === 'failed');
  }

  /** Update by update: one that has no room as a whole is left out, and smaller ones may have theirs. */
  async download(judged: readonly JudgedUpdate[], knowledge: Knowledge): Promise<void> {
    for (const { update, steps, bytes } of byUpdate(planDownloads(judged, knowledge), await this.bytesHere())) {
      const cramped = await this.roomFor(update, bytes);
      if (cramped !== undefined) {
        const { code, message: reason } = cramped;
        this.troubles.note('download', cramped);
        this.downloads.push(
          ...steps.map(({ file }) => ({ sha1: file.sha1, outcome: 'failed' as const, code, reason })),
        );
        for (const step of steps) await this.noteFailure(step, reason, true);
      } else if (await this.downloadAll(steps)) return;
    }
  }

  /** @returns whether the rest of the plan waits for the next cycle */
  private async downloadAll(steps: readonly StepOf<'download-file'>[]): Promise<boolean> {
    const { away } = this.context;
    for (const step of steps) {
      if (step.sources.every(({ name }) => away.has(name))) {
        // That its source is away is a trouble already, and the file waits. Of one that was not to come by the broker, the
        // broker is to hear now.
        if (step.sources.every(({ name }) => name === 'microsoft')) await this.noteFailure(step, 'Microsoft is away');
        continue;
      }
      const { error, ...result } = await runStep(step, this.context);
      this.downloads.push(result);
      if (error === undefined) continue;
      this.troubles.note('download', error);
      if (stopsTheRest(error)) return true;
    }
    return false;
  }

  private async bytesHere(): Promise<ReadonlyMap<string, number>> {
    const onDisk = await this.context.agent.adapters.files.list('payload');
    return new Map(onDisk.flatMap(({ slot, bytes }) => (slot.kind === 'payload' ? [[slot.sha1, bytes] as const] : [])));
  }

  /** Why there is no room for the files of an update; undefined when there is. */
  private async roomFor(update: string, bytes: number): Promise<AgentError | undefined> {
    try {
      await ensureRoom(this.context.agent, update, bytes);
      return undefined;
    } catch (error) {
      if (error instanceof AgentError && error.code === 'no-space') return error;
      throw error;
    }
  }

  private async noteFailure({ file }: StepOf<'download-file'>, error: string, noRoom = false): Promise<void> {
    const at = this.context.agent.adapters.clock.now().toISOString();
    await this.context.journal.change((before) => noteDownloadFailure(before, file.sha1, { at, error, noRoom }));
  }

  /**
   * Installs what can go in together.
   *
   * @returns whether these were servicing stack updates that all went in: what is left can be planned after another scan
   */
  async install(judged: readonly JudgedUpdate[], knowledge: Knowledge): Promise<boolean> {
    // Each update is tried once in a cycle.
    const tried = new Set(this.installs.map(nameOf));
    const steps = planInstalls(judged, knowledge).filter(({ update }) => !tried.has(nameOf(update)));
    let good = steps.length > 0;
    for (const step of steps) {
      if (this.context.signal?.aborted) return false;
      const { error, ...result } = await runStep(step, this.context);
      this.installs.push(result);
      if (result.outcome !== 'installed') good = false;
      if (error !== undefined) this.troubles.note('install', error);
    }
    return good && steps.every(({ update }) => isServicingStack(update));
  }

  async clean(judged: readonly JudgedUpdate[]): Promise<void> {
    const onDisk = await this.context.agent.adapters.files.list('payload');
    const digests = onDisk.flatMap(({ slot }) => (slot.kind === 'payload' ? [slot.sha1] : []));
    for (const step of planRemovals(judged, digests)) this.removed.push((await runStep(step, this.context)).sha1);
  }
}
