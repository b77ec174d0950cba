import type { CheckInAnswer } from '#shared/contract/agent/check-in.ts';
import type { CommandVerb } from '#shared/contract/commands.ts';
import {
  beginCommands,
  type CycleDone,
  endCommand,
  endInterrupted,
  newCommands,
  outcomeOf,
  phasesOfVerbs,
} from '../core/commands.ts';
import type { Phase } from '../core/phases.ts';
import type { Clock } from '../ports/surroundings.ts';
import type { CycleResult } from './documents.ts';
import type { JournalBook } from './journal-book.ts';

/** Commands of operators that one cycle takes on. Each is in the journal before it is begun, so that it is begun once. */
export class CommandRun {
  readonly ended: CycleResult['commands'] = [];
  private readonly journal: JournalBook;
  private readonly clock: Pick<Clock, 'now'>;
  private taken: ReturnType<typeof newCommands> = [];

  constructor(journal: JournalBook, clock: Pick<Clock, 'now'>) {
    this.journal = journal;
    this.clock = clock;
  }

  /** What the cycle is to do because of them. */
  get verbs(): ReadonlySet<CommandVerb> {
    return new Set(this.taken.map(({ verb }) => verb));
  }

  /** Commands in which an earlier run was cut off have failed. */
  endInterrupted(): Promise<void> {
    return this.journal.change((before) => endInterrupted(before, this.now()));
  }

  /** Takes on those that are new. @returns phases that they add to the cycle */
  async take({ commands, serverTime }: CheckInAnswer): Promise<readonly Phase[]> {
    const taken = newCommands(this.journal.current, commands, serverTime);
    await this.journal.change((before) => beginCommands(before, taken));
    this.taken = taken;
    return phasesOfVerbs([...this.verbs]);
  }

  /** Notes how they ended, told from what the cycle did. @returns whether there were any */
  async end(cycle: CycleDone): Promise<boolean> {
    for (const command of this.taken) {
      const outcome = outcomeOf(command, cycle, this.now());
      await this.journal.change((before) => endCommand(before, outcome));
      this.ended.push({ commandId: command.commandId, verb: command.verb, outcome: outcome.outcome });
    }
    return this.taken.length > 0;
  }

  private now(): string {
    return this.clock.now().toISOString();
  }
}
