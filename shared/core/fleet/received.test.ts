import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostRow } from './model.ts';
import { FleetPartition } from './partition.ts';
import { addReceived, monthName, monthNumber, monthOf, type ReceivedInMonth, receivedBy } from './received.ts';

const received = (month: string, files: number): ReceivedInMonth => ({ month, index: 10, files, direct: 1 });
const row = (machineId: string, sequence: number, more: Pick<HostRow, 'received'> = {}): HostRow => ({
  machineId,
  hostname: machineId,
  os: 'Windows 11',
  osVersion: '10.0',
  agentVersion: '1',
  group: 'all',
  state: 'OK',
  enrolledAt: 1,
  lastSeenAt: sequence,
  clones: 0,
  sequence,
  ...more,
});
const apply = (partition: FleetPartition, ...hosts: HostRow[]): FleetPartition =>
  partition.apply(
    hosts.map((host) => ({ kind: 'host', host })),
    1,
  ).partition;

describe('what hosts received', () => {
  it('is counted by month, and a new month begins with nothing', () => {
    const november = addReceived(addReceived(undefined, '2026-11', 'files', 5), '2026-11', 'index', 7);
    expect(november).toEqual({ month: '2026-11', index: 7, files: 5, direct: 0 });
    expect(addReceived(november, '2026-12', 'direct', 3)).toEqual({ month: '2026-12', index: 0, files: 0, direct: 3 });
    expect(monthOf(new Date('2026-11-30T23:59:59.999Z'))).toBe('2026-11');
  });

  it('adds up over hosts of the month, each by what it said last', () => {
    const first = apply(
      new FleetPartition(),
      row('a', 1, { received: received('2026-11', 5) }),
      row('b', 1, { received: received('2026-10', 1000) }),
      row('c', 1),
    );
    const partition = apply(first, row('a', 2, { received: received('2026-11', 8) }));
    const other = apply(new FleetPartition(), row('d', 1, { received: received('2026-11', 100) }));
    const fleet = { partitions: [partition, other] };
    expect(receivedBy(fleet, '2026-11')).toEqual({ index: 20, files: 108, direct: 2, hosts: 0 });
    expect(receivedBy(fleet, '2026-12')).toEqual({ index: 0, files: 0, direct: 0, hosts: 0 });
    expect(receivedBy(fleet, '1970-01')).toMatchObject({ hosts: 4 });
    expect(partition.hostAt(0).received).toEqual(received('2026-11', 8));
    expect(partition.hostAt(2)).not.toHaveProperty('received');
  });

  it('stays an integer whatever hosts claim', () => {
    const claim = { received: received('2026-11', Number.MAX_SAFE_INTEGER) };
    const partition = apply(new FleetPartition(), row('a', 1, claim), row('b', 1, claim));
    expect(receivedBy({ partitions: [partition] }, '2026-11').files).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('has months that are numbers in columns, and come back', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const month = monthOf(date);
          expect(monthName(monthNumber(month))).toBe(month);
          expect(monthNumber(month)).toBeGreaterThan(0);
        },
      ),
    );
  });
});
