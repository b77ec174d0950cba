import type { Command, CommandOutcome, HostOutcome } from '../../contract/commands.ts';
import type { Page, PageQuery } from '../page.ts';

/** Commands to hosts, and how each ended on each host. */
export interface CommandStore {
  create(command: Command): Promise<void>;
  get(commandId: string): Promise<Command | undefined>;
  /** The same without counting its outcomes (they are all 0 here). */
  find(commandId: string): Promise<Command | undefined>;
  /** The newest first. */
  list(query: PageQuery): Promise<Page<Command>>;
  /**
   * Commands that hosts may still be told at that time: neither ended nor cancelled. Cheap to ask: few are active, and
   * their outcomes are not counted for it (they are all 0 here).
   */
  active(at: string): Promise<readonly Command[]>;
  /** Again, and the first time stays. @returns false when there is no such command */
  cancel(commandId: string, at: string): Promise<boolean>;
  /**
   * Takes down how it ended on a host, and counts it. `already`: the first outcome stays.
   *
   * @param expiresAt end of the command: its outcomes are kept as long as it is
   * @throws StoreError `conflict` when so many came at once that it did not get its turn
   */
  putOutcome(machineId: string, outcome: CommandOutcome, expiresAt: string): Promise<'stored' | 'already'>;
  /** Outcomes by machine id. */
  outcomes(commandId: string, query: PageQuery): Promise<Page<HostOutcome>>;
}
