import type { UpdateIdentity } from '#shared/core/catalog/model.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import type { JudgedUpdate, Knowledge } from '../core/assess.ts';
import { planDownloads, planInstalls, planRemovals } from '../core/plan.ts';
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

  constructor(context: StepContext, troubles: Troubles) {
    this.context = context;
    this.troubles = troubles;
  }

  async download(judged: readonly JudgedUpdate[], knowledge: Knowledge): Promise<void> {
    for (const step of planDownloads(judged, knowledge)) {
      const { error, ...result } = await runStep(step, this.context);
      this.downloads.push(result);
      if (error === undefined) continue;
      this.troubles.note('download', error);
      if (stopsTheRest(error)) return;
    }
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
