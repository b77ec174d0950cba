import { describe, expect, it } from 'vitest';
import { guid } from '#test/kit/values.ts';
import { emptyColumns } from '../core/fleet/columns.ts';
import { FleetPartition } from '../core/fleet/partition.ts';
import { decodePartition, encodePartition } from './fleet-snapshot.ts';

const now = Date.UTC(2026, 6, 14);

const partition = new FleetPartition().apply(
  ['pc-1', 'pc-2', 'pc-3'].flatMap((machineId, n) => [
    {
      kind: 'host' as const,
      host: {
        machineId,
        hostname: `Łódź-${n}`,
        os: 'Windows 11',
        osVersion: '10.0.1',
        agentVersion: '1',
        group: n === 0 ? 'pilot' : 'default',
        state: 'OK' as const,
        enrolledAt: now,
        lastSeenAt: now + n,
        clones: n,
        sequence: 2 ** 40 + n,
        ...(n === 1 && { revokedAt: now + 3 }),
        ...(n === 2 && { received: { month: '2026-11', index: 2 ** 40, files: 2 ** 41, direct: 3 } }),
      },
    },
    {
      kind: 'report' as const,
      report: {
        machineId,
        reportVersion: n + 1,
        reportedAt: now,
        updates: [
          { updateId: guid(n), revision: 1, kbs: ['5000001'], state: 'OK' as const, title: 'One' },
          { updateId: guid(9), revision: 2, kbs: [], state: 'SUPERSEDED' as const },
        ],
      },
    },
    { kind: 'unreadable' as const, machineId: 'bad one', item: 'host' },
    { kind: 'removed' as const, machineId: 'pc-9', item: 'host' as const, at: now },
  ]),
  now,
).partition;

const stored = { layout: 'abc', index: 1, of: 4, generation: 7, partition };

describe('a partition of the fleet as bytes', () => {
  it('is read back as it was, at any offset', () => {
    const bytes = encodePartition(stored);
    expect(decodePartition(bytes)).toEqual(stored);
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(decodePartition(moved.subarray(3))).toEqual(stored);
    expect(decodePartition(Buffer.concat([bytes]))).toEqual(stored);
    const empty = { ...stored, partition: new FleetPartition() };
    expect(decodePartition(encodePartition(empty))).toEqual(empty);
  });

  it('is refused when it was cut or goes on', () => {
    const bytes = encodePartition(stored);
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => decodePartition(bytes.slice(0, length))).toThrow(expect.objectContaining({ code: 'damaged' }));
    expect(() => decodePartition(Buffer.concat([bytes, Buffer.alloc(8)]))).toThrow(/bytes in place of/);
  });

  it('is refused when it is of another version', () => {
    const bytes = encodePartition(stored);
    bytes[8] = 3;
    expect(() => decodePartition(bytes)).toThrow('it has version 3, only 2 is read');
  });

  it.each([
    ['machines out of order', { machineIds: ['pc-2', 'pc-1', 'pc-3'] }, /not in order/],
    ['a text that is not there', { group: Uint32Array.of(0, 0, 99) }, /column group/],
    ['an update that is not there', { entries: new Uint32Array(6).fill(800) }, /update or a state/],
    ['a state that is not there', { entries: new Uint32Array(6).fill(7) }, /update or a state/],
    ['lists that do not fit', { ends: Uint32Array.of(4, 2, 6) }, /do not fit/],
  ])('is refused with %s', (_, columns, why) => {
    const bad = new FleetPartition({ ...emptyColumns, ...partition.columns, ...columns });
    expect(() => decodePartition(encodePartition({ ...stored, partition: bad }))).toThrow(why);
  });
});
