import type { UpdateIdentity } from '#shared/core/catalog/model.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import type { JudgedUpdate, Knowledge } from '../core/assess.ts';
import { noteDownloadFailure } from '../core/journal.ts';
import { planDownloads, planInstalls, planRemovals, type StepOf } from '../core/plan.ts';
import type { CycleResult } from './documents.ts';
import { runStep, type StepContext, stopsTheRest } from './steps.ts';
import type { Troubles } from './troubles.ts';

const nameOf = ({ updateId, revision }: UpdateIdentity): string => `${updateId}_${revision}`;

/** What a cycle changes on the machine and in the data folder, and how that went. */
export class Actions {
  readonly downloads: CycleResult['downloads'] = [];
  readonly installs: CycleResult['installs'] = [];
  readonly removed: string[] = [];
  private readonly context: StepContext;
  private readonly troubles: Troubles;

  constructor(context: Omit<StepContext, 'away'>, troubles: Troubles) {
    this.context = { ...context, away: new Set() };
    this.troubles = troubles;
  }

  async download(judged: readonly JudgedUpdate[], knowledge: Knowledge): Promise<void> {
    const { away } = this.context;
    for (const step of planDownloads(judged, knowledge)) {
      if (step.sources.every(({ name }) => away.has(name))) {
        await this.leaveOut(step);
        continue;
      }
      const { error, ...result } = await runStep(step, this.context);
      this.downloads.push(result);
      if (error === undefined) continue;
      this.troubles.note('download', error);
      if (stopsTheRest(error)) return;
    }
  }

  /** A file of which it is known by now that its source is away. That is a trouble already, and the file waits. */
  private async leaveOut({ file, sources }: StepOf<'download-file'>): Promise<void> {
    if (sources.some(({ name }) => name === 'repository')) return;
    // The broker is to hear of it, as of the file that found it out.
    const at = this.context.agent.adapters.clock.now().toISOString();
    await this.context.journal.change((before) => noteDownloadFailure(before, file.sha1, at, 'Microsoft is away'));
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
