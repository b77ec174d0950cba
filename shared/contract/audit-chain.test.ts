import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AuditEntry, AuditRecord } from './audit.ts';
import { chainStart, faultInChain, faultOfAnchor, nextAuditEntry } from './audit-chain.ts';
import { canonicalJson } from './canonical-json.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const recordOf = (n: number): AuditRecord => ({
  at: new Date(Date.UTC(2026, 10, 26, 0, 0, n)).toISOString(),
  actor: { kind: 'person', subject: 's-1', name: 'Ada', role: 'administrator' },
  action: 'rules.put',
  target: 'rules',
  before: { revision: n - 1 },
  after: { revision: n },
  from: { address: '192.0.2.1' },
  requestId: `request-${n}`,
});

const chainOf = (length: number): AuditEntry[] => {
  const entries: AuditEntry[] = [];
  for (let n = 1; n <= length; n += 1) entries.push(nextAuditEntry(recordOf(n), entries.at(-1) ?? chainStart, sha256));
  return entries;
};

/** All that is wrong with these entries, each held against the one that stands before it. */
const faultsOf = (entries: readonly AuditEntry[]): string[] =>
  entries.flatMap((entry, index) => faultInChain(entry, entries[index - 1] ?? chainStart, sha256) ?? []);

describe('the chain', () => {
  it('is whole when nobody touched it', () => {
    const entries = chainOf(5);
    expect(entries.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(entries[0]?.previousHash).toBe('0'.repeat(64));
    expect(faultsOf(entries)).toEqual([]);
  });

  it('is whole after a way through JSON that put the members into another order', () => {
    const turned = chainOf(3).map((entry) => Object.fromEntries(Object.entries(entry).toReversed()) as AuditEntry);
    expect(faultsOf(turned)).toEqual([]);
  });

  it.each<[string, (entry: AuditEntry) => AuditEntry]>([
    ['time', (entry) => ({ ...entry, at: '2026-11-27T00:00:00.000Z' })],
    ['actor', (entry) => ({ ...entry, actor: { kind: 'host', machineId: 'pc-1' } })],
    ['content', (entry) => ({ ...entry, after: { revision: 9 } })],
    ['absence', ({ before: _, ...entry }) => entry],
    ['request', (entry) => ({ ...entry, requestId: 'another' })],
  ])('shows an entry whose %s was changed', (_, change) => {
    const entries = chainOf(4).map((entry) => (entry.number === 3 ? change(entry) : entry));
    expect(faultsOf(entries)).toEqual(['entry 3 was changed: its content does not give its hash']);
  });

  it('shows an entry that was changed together with its hash', () => {
    const entries = chainOf(4);
    const forged = nextAuditEntry({ ...recordOf(2), target: 'nothing' }, entries[0] ?? chainStart, sha256);
    expect(faultsOf(entries.with(1, forged))).toEqual(['entry 3 does not follow entry 2: one of the two was replaced']);
  });

  it('shows entries that are missing, also the first, and one that comes twice', () => {
    const [one, two, three, four] = chainOf(4) as [AuditEntry, AuditEntry, AuditEntry, AuditEntry];
    expect(faultsOf([one, three, four])).toEqual(['entry 2 is missing']);
    expect(faultsOf([three, four])).toEqual(['entries 1 to 2 are missing']);
    expect(faultsOf([one, two, two])).toEqual(['entry 2 comes again after entry 2']);
  });
});

describe('an anchor', () => {
  const entries = chainOf(3);
  const hashOf = (number: number) => entries[number - 1]?.hash;
  const anchor = (number: number, hash: string) => ({
    version: 1 as const,
    date: '2026-11-26',
    number,
    hash,
    at: '2026-11-26T00:05:00.000Z',
  });

  it('fits the chain that it was made of', () => {
    for (const { number, hash } of [chainStart, ...entries])
      expect(faultOfAnchor(anchor(number, hash), hashOf)).toBeUndefined();
  });

  it('shows that the end was cut off, and that all was written anew', () => {
    expect(faultOfAnchor(anchor(4, sha256('4')), hashOf)).toMatch(/cut off/);
    expect(faultOfAnchor(anchor(2, sha256('2')), hashOf)).toMatch(/2026-11-26.*entry 2.*anew/);
  });
});

describe('canonical JSON', () => {
  it('is one text for equal values', () => {
    expect(canonicalJson({ b: [1, undefined, { d: 'x', c: null }], a: undefined })).toBe(
      '{"b":[1,null,{"c":null,"d":"x"}]}',
    );
  });
});
