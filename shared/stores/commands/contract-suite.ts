import { describe, expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import type { Command, CommandOutcome } from '../../contract/commands.ts';
import type { Page } from '../page.ts';
import type { CommandStore } from './port.ts';

const idOf = (n: number): string => `command-${n}`;

const commandOf = (n: number, more: Partial<Command> = {}): Command => ({
  version: 1,
  commandId: idOf(n),
  verb: 'scan',
  target: { kind: 'group', group: 'pilot' },
  createdAt: at(n),
  createdBy: 'Ada',
  expiresAt: at(1000 + n),
  outcomes: { done: 0, failed: 0 },
  ...more,
});

const outcomeOf = (n: number, more: Partial<CommandOutcome> = {}): CommandOutcome => ({
  commandId: idOf(n),
  outcome: 'done',
  detail: 'scanned',
  at: at(50),
  ...more,
});

/** Takes down an outcome of a command that {@link commandOf} made. */
const put = (store: CommandStore, machineId: string, outcome: CommandOutcome): Promise<'stored' | 'already'> =>
  store.putOutcome(machineId, outcome, commandOf(Number(outcome.commandId.split('-')[1])).expiresAt);

const refused = { name: 'StoreError', code: 'refused' };

async function all<T>(list: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const seen: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    expect(page.unreadable).toEqual([]);
    seen.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return seen;
}

/** What every CommandStore does. `make` gives an empty one. */
export function commandStoreContract(name: string, make: () => Promise<CommandStore>): void {
  describe(`${name} keeps commands`, () => {
    it.each<[string, Partial<Command>]>([
      ['a group', {}],
      ['a host', { target: { kind: 'host', machineId: 'pc-1' }, note: 'for a try' }],
      ['a filter', { target: { kind: 'filter', filter: { os: 'Server', state: 'ERROR' } }, verb: 'install' }],
    ])('to %s as they were made', async (_what, more) => {
      const store = await make();
      expect(await store.get(idOf(1))).toBeUndefined();
      await store.create(commandOf(1, more));
      expect(await store.get(idOf(1))).toEqual(commandOf(1, more));
      await expect(store.create(commandOf(1))).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });
      expect(await store.get(idOf(1))).toEqual(commandOf(1, more));
    });

    it('and lists them over pages, the newest first', async () => {
      const store = await make();
      for (const n of [3, 1, 5, 2, 4]) await store.create(commandOf(n));
      await put(store, 'pc-1', outcomeOf(3));
      const listed = await all((cursor) => store.list({ cursor, limit: 2 }));
      expect(listed.map(({ commandId }) => commandId)).toEqual([5, 4, 3, 2, 1].map(idOf));
      expect(listed.map(({ outcomes }) => outcomes.done)).toEqual([0, 0, 1, 0, 0]);
      await expect(store.list({ cursor: 'made up', limit: 2 })).rejects.toMatchObject(refused);
    });

    it('and tells those that are neither ended nor cancelled', async () => {
      const store = await make();
      for (const n of [1, 2, 3]) await store.create(commandOf(n));
      await store.cancel(idOf(2), at(20));
      const active = async (time: string) => (await store.active(time)).map(({ commandId }) => commandId).toSorted();
      expect(await active(at(100))).toEqual([1, 3].map(idOf));
      expect(await active(at(1001))).toEqual([3].map(idOf));
      expect(await active(at(1003))).toEqual([]);
      expect((await store.active(at(100)))[0]).toEqual(commandOf(1));
    });

    it('and cancels them once', async () => {
      const store = await make();
      expect(await store.cancel(idOf(1), at(5))).toBe(false);
      expect(await store.get(idOf(1))).toBeUndefined();
      await store.create(commandOf(1));
      expect(await store.cancel(idOf(1), at(5))).toBe(true);
      expect(await store.cancel(idOf(1), at(6))).toBe(true);
      expect(await store.get(idOf(1))).toEqual(commandOf(1, { cancelledAt: at(5) }));
    });
  });

  describe(`${name} keeps outcomes`, () => {
    it('one per host: the first stays, and is counted once', async () => {
      const store = await make();
      await store.create(commandOf(1));
      expect(await put(store, 'pc-1', outcomeOf(1))).toBe('stored');
      expect(await put(store, 'pc-1', outcomeOf(1, { outcome: 'failed', at: at(60) }))).toBe('already');
      expect(await put(store, 'pc-2', outcomeOf(1, { outcome: 'failed', detail: 'no room' }))).toBe('stored');
      expect((await store.get(idOf(1)))?.outcomes).toEqual({ done: 1, failed: 1 });
      expect(await store.find(idOf(1))).toEqual(commandOf(1));
      expect(await store.find(idOf(2))).toBeUndefined();
      expect((await store.outcomes(idOf(1), { limit: 10 })).items).toEqual([
        { ...outcomeOf(1), machineId: 'pc-1' },
        { ...outcomeOf(1, { outcome: 'failed', detail: 'no room' }), machineId: 'pc-2' },
      ]);
    });

    it('also of a command that was cancelled meanwhile', async () => {
      const store = await make();
      await store.create(commandOf(1));
      await store.cancel(idOf(1), at(5));
      expect(await put(store, 'pc-1', outcomeOf(1))).toBe('stored');
      expect((await store.outcomes(idOf(1), { limit: 10 })).items).toHaveLength(1);
      expect((await store.outcomes(idOf(2), { limit: 10 })).items).toEqual([]);
    });

    it('of many hosts at once, told twice each, exactly', { timeout: 60_000 }, async () => {
      const store = await make();
      await store.create(commandOf(1));
      const told = await Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          put(store, `pc-${n % 30}`, outcomeOf(1, { outcome: n % 3 === 0 ? 'failed' : 'done' })),
        ),
      );
      expect(told.filter((how) => how === 'stored')).toHaveLength(30);
      expect((await store.get(idOf(1)))?.outcomes).toEqual({ done: 20, failed: 10 });
    });

    it('and lists them by machine id over pages', async () => {
      const store = await make();
      for (const n of [1, 2]) await store.create(commandOf(n));
      for (const machine of ['pc-3', 'pc-1', 'PC-9', 'pc-2', 'pc-10']) await put(store, machine, outcomeOf(1));
      const listed = await all((cursor) => store.outcomes(idOf(1), { cursor, limit: 2 }));
      expect(listed.map(({ machineId }) => machineId)).toEqual(['PC-9', 'pc-1', 'pc-10', 'pc-2', 'pc-3']);
      const { next } = await store.outcomes(idOf(1), { limit: 2 });
      await expect(store.outcomes(idOf(2), { cursor: next, limit: 2 })).rejects.toMatchObject(refused);
      await expect(store.outcomes(idOf(1), { cursor: 'made up', limit: 2 })).rejects.toMatchObject(refused);
    });
  });
}
