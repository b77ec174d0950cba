import type { JudgedUpdate, Knowledge } from '../core/assess.ts';
import { planDownloads, planInstalls, planRemovals } from '../core/plan.ts';
import type { CycleResult } from './documents.ts';
import { runStep, type StepContext, stopsTheRest } from './steps.ts';
import type { Troubles } from './troubles.ts';

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

  async install(judged: readonly JudgedUpdate[], knowledge: Knowledge): Promise<void> {
    for (const step of planInstalls(judged, knowledge)) {
      if (this.context.signal?.aborted) break;
      const { error, ...result } = await runStep(step, this.context);
      this.installs.push(result);
      if (error !== undefined) this.troubles.note('install', error);
    }
  }

  async clean(judged: readonly JudgedUpdate[]): Promise<void> {
    const onDisk = await this.context.agent.adapters.files.list('payload');
    const digests = onDisk.flatMap(({ slot }) => (slot.kind === 'payload' ? [slot.sha1] : []));
    for (const step of planRemovals(judged, digests)) this.removed.push((await runStep(step, this.context)).sha1);
  }
}
