import { hostStateOf, type UpdateState } from '#shared/core/status/states.ts';
import type { Phase } from '../core/phases.ts';
import { AgentError, endsTalk, uselessIndex } from '../ports/agent-error.ts';
import type { Log } from '../ports/surroundings.ts';
import type { CycleProblem, CycleResult } from './documents.ts';

/** What went wrong in a cycle while it went on. */
export class Troubles {
  readonly problems: CycleProblem[] = [];
  /** Why the index that the repository offers cannot be used: the first that was found. */
  indexProblem: string | undefined;
  /** Why what the signed repository offers is refused: the first reason that was found. */
  trustProblem: string | undefined;
  /** What found no room on the disk: the first that was noted. */
  diskProblem: string | undefined;
  /** The broker ended all talk with this host: the cycle goes on without any network. */
  barred = false;
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  /** Runs a phase; an AgentError becomes a problem. */
  async attempt<T>(phase: Phase, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.note(phase, error);
      return undefined;
    }
  }

  /** State of the host after what was found; undefined when nothing was. @param updates their states, when they are known */
  hostState(updates: readonly UpdateState[] | undefined): CycleResult['state'] {
    if (this.diskProblem !== undefined) return 'DISK_SPACE_ERROR';
    const problem = this.indexProblem ?? this.trustProblem;
    return updates === undefined && problem === undefined ? undefined : hostStateOf(updates ?? [], problem);
  }

  note(phase: Phase, { code, message, retryable, retryAfterSeconds }: AgentError): void {
    if ((phase === 'pull' || phase === 'scan') && uselessIndex.has(code)) this.indexProblem ??= message;
    if (code === 'no-space') this.diskProblem ??= message;
    if (code === 'untrusted') this.trustProblem ??= message;
    if (endsTalk.has(code)) this.barred = true;
    this.log({ level: code === 'stopped' ? 'info' : 'warn', message: `${phase}: ${message}` });
    this.problems.push({
      phase,
      code,
      message,
      retryable,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
}
