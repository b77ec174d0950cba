import { beforeEach, describe, expect, it } from 'vitest';
import { countHosts } from '#shared/core/fleet/fleet.ts';
import { partitionsFor } from '#shared/core/fleet/model.ts';
import { fleetReader } from '#shared/stores/fleet/reader.ts';
import { changeTo, hostRowOf, reportRowOf } from '#test/kit/fleet-rows.ts';
import { MemoryEventSink } from '#test/kit/memory-events.ts';
import { MemoryFleetRows, MemoryFleetStore, storeWith } from '#test/kit/memory-fleet.ts';
import { at } from '#test/kit/values.ts';
import { aggregateFleet } from './aggregate-fleet.ts';
import type { FleetPorts } from './ports.ts';
import { rebuildFleet } from './rebuild.ts';

let store: MemoryFleetStore;
let rows: MemoryFleetRows;
let events: MemoryEventSink;
let ports: FleetPorts;
beforeEach(() => {
  store = new MemoryFleetStore();
  rows = new MemoryFleetRows();
  events = new MemoryEventSink();
  let ids = 0;
  ports = {
    store,
    rows,
    events,
    maxPartitions: 8,
    now: () => new Date(at(0)),
    random: () => 0,
    sleep: async () => undefined,
    newId: () => `layout-${++ids}`,
  };
});

const fleet = () => fleetReader(store).current();
const many = (count: number) => Array.from({ length: count }, (_, n) => changeTo(hostRowOf(`pc-${n}`)));
const layouts = () => new Set([...store.partitions.keys()].map((key) => key.split('/')[0]));

describe('a fleet that grows', () => {
  it('is divided into a power of two, as many as it needs and no more than are allowed', () => {
    expect([0, 12_500, 12_501, 25_001, 100_000, 1_000_000].map((hosts) => partitionsFor(hosts, 8))).toEqual([
      1, 1, 2, 4, 8, 8,
    ]);
    expect([1, 2, 3, 7].map((maximum) => partitionsFor(1_000_000, maximum))).toEqual([1, 2, 2, 4]);
  });

  it('has its snapshot divided without losing a host, and without the old objects', async () => {
    const changes = many(12_600);
    await aggregateFleet(ports, changes.slice(0, 12_000));
    expect(store.current?.manifest.partitions).toHaveLength(1);
    await aggregateFleet(ports, changes.slice(12_000));
    expect(store.current?.manifest.partitions).toHaveLength(2);
    expect(countHosts(await fleet()).OK).toBe(12_600);
    expect(store.current?.manifest.totals.hosts).toBe(12_600);
    expect(layouts()).toEqual(new Set([store.current?.manifest.layout]));
    await aggregateFleet(ports, [changeTo(hostRowOf('one-more'))]);
    expect(countHosts(await fleet()).OK).toBe(12_601);
  });

  it('loses nothing that is written while it is divided, and tells of no host twice', async () => {
    await aggregateFleet(ports, many(12_500));
    const failing = changeTo(hostRowOf('pc-7', { state: 'ERROR', sequence: 2 }));
    let between = true;
    const slow: FleetPorts = {
      ...ports,
      store: storeWith(store, {
        putPartition: async (stored, before) => {
          const tag = await store.putPartition(stored, before);
          if (between) {
            between = false;
            // The snapshot moves between the write of the partition and its being named.
            await aggregateFleet(ports, [changeTo(hostRowOf('the-last-straw'))]);
          }
          return tag;
        },
      }),
    };
    await aggregateFleet(slow, [failing, changeTo(hostRowOf('pc-new'))]);
    expect(store.current?.manifest.partitions).toHaveLength(2);
    expect(countHosts(await fleet())).toMatchObject({ OK: 12_501, ERROR: 1 });
    expect(events.of('HostFailing')).toHaveLength(1);
    expect(layouts()).toEqual(new Set([store.current?.manifest.layout]));
  });

  it('is divided once when two would divide it, and keeps what the other one brought', async () => {
    await aggregateFleet(ports, many(12_500));
    let first = true;
    const slow: FleetPorts = {
      ...ports,
      store: storeWith(store, {
        putPartition: async (stored, before) => {
          if (stored.of === 2 && first) {
            first = false;
            await aggregateFleet(ports, [changeTo(hostRowOf('pc-between'))]);
          }
          return store.putPartition(stored, before);
        },
      }),
    };
    await aggregateFleet(slow, [changeTo(hostRowOf('the-last-straw'))]);
    expect(store.current?.manifest.partitions).toHaveLength(2);
    expect(countHosts(await fleet()).OK).toBe(12_502);
    expect(layouts()).toEqual(new Set([store.current?.manifest.layout]));
  });

  it('has a batch applied again that was written to the old objects after they were read', async () => {
    await aggregateFleet(ports, many(12_500));
    const written = Promise.withResolvers<void>();
    const divided = Promise.withResolvers<void>();
    const late: FleetPorts = {
      ...ports,
      store: storeWith(store, {
        putPartition: async (stored, before) => {
          const tag = await store.putPartition(stored, before);
          written.resolve();
          await divided.promise;
          return tag;
        },
      }),
    };
    let batch: Promise<unknown> | undefined;
    const dividing: FleetPorts = {
      ...ports,
      store: storeWith(store, {
        putPartition: async (stored, before) => {
          if (stored.of === 2 && batch === undefined) {
            batch = aggregateFleet(late, [changeTo(hostRowOf('pc-late'))]);
            await written.promise;
          }
          return store.putPartition(stored, before);
        },
      }),
    };
    await aggregateFleet(dividing, [changeTo(hostRowOf('the-last-straw'))]);
    divided.resolve();
    await batch;
    const { partitions } = await fleet();
    expect(partitions).toHaveLength(2);
    expect(partitions.flatMap(({ columns }) => columns.machineIds)).toContain('pc-late');
    expect(store.current?.manifest.totals.hosts).toBe(12_502);
  });
});

describe('a rebuild', () => {
  const table = () => [
    hostRowOf('pc-1'),
    reportRowOf('pc-1', 1, { 1: 'OK' }),
    hostRowOf('pc-2', { state: 'ERROR' }),
    { machineId: 'pc-3', item: 'host', version: 1 },
    { machineId: 'key#abc', item: 'key' },
  ];

  it('makes the snapshot from the table when there is none', async () => {
    rows.rows.push(...table());
    await rows.beat(0, at(0));
    expect(await rebuildFleet(ports)).toEqual({ hosts: 2, partitions: 1, unreadable: 1, lost: 0 });
    expect(countHosts(await fleet())).toMatchObject({ OK: 1, ERROR: 1 });
    expect((await fleet()).asOf).toBe(Date.parse(at(0)));
    // What failed before it was read is no news.
    expect(events.sent).toEqual([]);
  });

  it('replaces parts that are lost, and a manifest that is damaged', async () => {
    rows.rows.push(...table());
    await aggregateFleet(
      ports,
      table().map((row) => changeTo(row)),
    );
    store.partitions.clear();
    expect(await rebuildFleet(ports)).toMatchObject({ hosts: 2, lost: 1 });
    expect(
      await aggregateFleet(
        ports,
        table().map((row) => changeTo(row)),
      ),
    ).toMatchObject({ written: 0 });
  });

  it('drops what the table has no more, and keeps what came while it was read', async () => {
    rows.rows.push(...table());
    const gone = hostRowOf('gone', { lastSeenAt: at(-100), enrolledAt: at(-100) });
    await aggregateFleet(ports, [changeTo(gone), changeTo(hostRowOf('pc-1', { sequence: 9, state: 'ERROR' }))]);
    const reading: FleetPorts = {
      ...ports,
      rows: {
        beat: (number, when) => rows.beat(number, when),
        async *pages() {
          yield* rows.pages();
          await aggregateFleet(ports, [
            changeTo(hostRowOf('new', { lastSeenAt: at(10), enrolledAt: at(10) })),
            changeTo(reportRowOf('new', 20, { 1: 'ERROR' })),
            changeTo(reportRowOf('pc-1', 2, { 1: 'MISSING' })),
          ]);
        },
      },
    };
    expect(await rebuildFleet(reading)).toMatchObject({ hosts: 3 });
    const { partitions } = await fleet();
    expect(partitions.flatMap(({ columns }) => columns.machineIds)).toEqual(['new', 'pc-1', 'pc-2']);
    const part = partitions[0];
    expect(part?.hostAt(part.placeOf('pc-1') ?? -1)).toMatchObject({ state: 'ERROR', counts: { MISSING: 1, OK: 0 } });
    expect(part?.hostAt(part.placeOf('new') ?? -1)).toMatchObject({ counts: { ERROR: 1 } });
  });
});
