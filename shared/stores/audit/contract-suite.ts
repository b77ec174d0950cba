import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { at, sha256 } from '#test/kit/values.ts';
import type { AuditAnchor, AuditEntry, AuditRecord } from '../../contract/audit.ts';
import { chainStart, faultInChain } from '../../contract/audit-chain.ts';
import type { Page } from '../page.ts';
import type { AuditAnchorStore, AuditLog } from './port.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A record of the nth change of a test. */
export const auditRecordOf = (n: number, more: Partial<AuditRecord> = {}): AuditRecord => ({
  at: at(n),
  actor: { kind: 'person', subject: 'subject-1', name: 'Ada', role: 'administrator' },
  action: 'rules.put',
  target: 'rules',
  before: { revision: n, list: [], nothing: null },
  after: { revision: n + 1, list: ['a', { b: 1.5 }] },
  from: { address: '192.0.2.1', userAgent: 'tests' },
  requestId: `request-${n}`,
  ...more,
});

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

const faultsOf = (entries: readonly AuditEntry[]): string[] =>
  entries.flatMap((entry, index) => faultInChain(entry, entries[index - 1] ?? chainStart, digest) ?? []);

/** What every AuditLog does. `make` gives an empty one. */
export function auditLogContract(name: string, make: () => Promise<AuditLog>): void {
  describe(`${name} keeps the audit log`, () => {
    it('is empty before the first change', async () => {
      const log = await make();
      expect(await log.head()).toBeUndefined();
      expect(await log.list({ limit: 10 })).toEqual({ items: [], unreadable: [] });
    });

    it('gives entries back as they were recorded, chained', async () => {
      const log = await make();
      const first = await log.append(auditRecordOf(1));
      expect(first).toMatchObject({ ...auditRecordOf(1), version: 1, number: 1, previousHash: '0'.repeat(64) });
      const failed = { number: 1, reason: 'no room' };
      const {
        before: _,
        after: __,
        ...bare
      } = auditRecordOf(2, { failed, actor: { kind: 'host', machineId: 'pc-1' } });
      const second = await log.append(bare);
      expect(second).toMatchObject({ ...bare, number: 2, previousHash: first.hash });
      expect(second).not.toHaveProperty('before');
      const { items } = await log.list({ limit: 10 });
      expect(items).toEqual([first, second]);
      expect(faultsOf(items)).toEqual([]);
      expect(await log.head()).toEqual(second);
    });

    it('loses none of 50 that come at once, and leaves no gap', { timeout: 60_000 }, async () => {
      const log = await make();
      const appended = await Promise.all(Array.from({ length: 50 }, (_, n) => log.append(auditRecordOf(n))));
      const numbers = appended.map(({ number }) => number).sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
      const entries = await all((cursor) => log.list({ cursor, limit: 20 }));
      expect(entries.map(({ number }) => number)).toEqual(numbers);
      expect(faultsOf(entries)).toEqual([]);
      expect(new Set(entries.map(({ requestId }) => requestId)).size).toBe(50);
      for (const entry of appended) expect(entries[entry.number - 1]).toEqual(entry);
    });

    it('takes two entries of one request that are alike for two', async () => {
      const log = await make();
      await Promise.all([log.append(auditRecordOf(1)), log.append(auditRecordOf(1))]);
      expect((await log.head())?.number).toBe(2);
    });

    it('lists from a number on, in both orders, over pages', async () => {
      const log = await make();
      for (let n = 1; n <= 11; n += 1) await log.append(auditRecordOf(n));
      const numbers = async (query: Omit<Parameters<AuditLog['list']>[0], 'cursor' | 'limit'>) =>
        (await all((cursor) => log.list({ ...query, cursor, limit: 3 }))).map(({ number }) => number);
      expect(await numbers({})).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      expect(await numbers({ from: 9 })).toEqual([9, 10, 11]);
      expect(await numbers({ from: 12 })).toEqual([]);
      expect(await numbers({ order: 'descending' })).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
      expect(await numbers({ order: 'descending', from: 3 })).toEqual([3, 2, 1]);
    });

    it('refuses cursors of another list', async () => {
      const log = await make();
      for (let n = 1; n <= 3; n += 1) await log.append(auditRecordOf(n));
      const { next } = await log.list({ limit: 1 });
      await expect(log.list({ cursor: next, order: 'descending', limit: 1 })).rejects.toMatchObject(refused);
      await expect(log.list({ cursor: 'made up', limit: 1 })).rejects.toMatchObject(refused);
    });
  });
}

/** What every AuditAnchorStore does. `make` gives an empty one. */
export function auditAnchorStoreContract(name: string, make: () => Promise<AuditAnchorStore>): void {
  const anchorOf = (day: number): AuditAnchor => ({
    version: 1,
    date: `2026-11-${String(day).padStart(2, '0')}`,
    number: day,
    hash: sha256(`entry ${day}`),
    at: at(day),
  });

  describe(`${name} keeps anchors`, () => {
    it('one per day: the first stays', async () => {
      const store = await make();
      expect(await store.put(anchorOf(1))).toBe(true);
      expect(await store.put({ ...anchorOf(1), number: 99 })).toBe(false);
      expect(await store.list({ limit: 10 })).toEqual({ items: [anchorOf(1)], unreadable: [] });
    });

    it('of two at once one', async () => {
      const store = await make();
      const put = await Promise.all([store.put(anchorOf(1)), store.put({ ...anchorOf(1), number: 99 })]);
      expect(put.sort()).toEqual([false, true]);
      expect((await store.list({ limit: 10 })).items).toHaveLength(1);
    });

    it('and lists them over pages, the oldest first', async () => {
      const store = await make();
      for (const day of [3, 1, 5, 2, 4]) await store.put(anchorOf(day));
      expect(await all((cursor) => store.list({ cursor, limit: 2 }))).toEqual([1, 2, 3, 4, 5].map(anchorOf));
      await expect(store.list({ cursor: 'made up', limit: 2 })).rejects.toMatchObject(refused);
    });
  });
}
