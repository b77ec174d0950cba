/** Commands in memory; they pass the same contract suite as the AWS adapter. */
import * as z from 'zod/mini';
import {
  type Command,
  type CommandOutcome,
  command,
  type HostOutcome,
  hostOutcome,
} from '#shared/contract/commands.ts';
import type { CommandStore } from '#shared/stores/commands/port.ts';
import type { PageQuery } from '#shared/stores/page.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { pageOf } from './pages.ts';

export class MemoryCommandStore implements CommandStore {
  readonly #commands = new Map<string, Command>();
  /** By command, then by machine. */
  readonly #outcomes = new Map<string, Map<string, HostOutcome>>();

  async create(wanted: Command) {
    if (this.#commands.has(wanted.commandId))
      throw new StoreError('conflict', `there is a command ${wanted.commandId} already`);
    this.#commands.set(wanted.commandId, z.parse(command, JSON.parse(JSON.stringify(wanted))));
  }

  async get(commandId: string) {
    const found = this.#commands.get(commandId);
    return found === undefined ? undefined : this.#counted(found);
  }

  async find(commandId: string) {
    return structuredClone(this.#commands.get(commandId));
  }

  async list(query: PageQuery) {
    const rows = [...this.#commands.values()].toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    return pageOf(
      rows.map((row) => this.#counted(row)),
      query,
      ({ commandId }) => commandId,
      'commands',
    );
  }

  async active(time: string) {
    return structuredClone(
      [...this.#commands.values()].filter(
        ({ cancelledAt, expiresAt }) => cancelledAt === undefined && Date.parse(expiresAt) > Date.parse(time),
      ),
    );
  }

  async cancel(commandId: string, time: string) {
    const found = this.#commands.get(commandId);
    if (found === undefined) return false;
    this.#commands.set(commandId, { ...found, cancelledAt: found.cancelledAt ?? time });
    return true;
  }

  async putOutcome(machineId: string, outcome: CommandOutcome, _expiresAt: string) {
    const { commandId } = outcome;
    const outcomes = this.#outcomes.get(commandId) ?? new Map<string, HostOutcome>();
    this.#outcomes.set(commandId, outcomes);
    if (outcomes.has(machineId)) return 'already' as const;
    outcomes.set(machineId, z.parse(hostOutcome, { ...outcome, machineId }));
    return 'stored' as const;
  }

  async outcomes(commandId: string, query: PageQuery) {
    const rows = [...(this.#outcomes.get(commandId)?.values() ?? [])];
    rows.sort((a, b) => (a.machineId < b.machineId ? -1 : 1));
    return pageOf(structuredClone(rows), query, ({ machineId }) => machineId, `outcomes of ${commandId}`);
  }

  #counted(found: Command): Command {
    const outcomes = [...(this.#outcomes.get(found.commandId)?.values() ?? [])];
    const count = (how: HostOutcome['outcome']) => outcomes.filter(({ outcome }) => outcome === how).length;
    return { ...structuredClone(found), outcomes: { done: count('done'), failed: count('failed') } };
  }
}
