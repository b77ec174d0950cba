import { beforeEach, describe, expect, it } from 'vitest';
import { fleetBeats } from '#shared/contract/fleet-snapshot.ts';
import { countHosts, unreadableOf } from '#shared/core/fleet/fleet.ts';
import { listHosts } from '#shared/core/fleet/list-hosts.ts';
import { listUpdates } from '#shared/core/fleet/list-updates.ts';
import { fleetReader } from '#shared/stores/fleet/reader.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { changeTo, hostRowOf, reportRowOf } from '#test/kit/fleet-rows.ts';
import { MemoryEventSink } from '#test/kit/memory-events.ts';
import { MemoryFleetRows, MemoryFleetStore, storeWith } from '#test/kit/memory-fleet.ts';
import { at } from '#test/kit/values.ts';
import { aggregateFleet } from './aggregate-fleet.ts';
import { beatFleet, measureBeat } from './beat.ts';
import type { FleetPorts } from './ports.ts';

let store: MemoryFleetStore;
let rows: MemoryFleetRows;
let events: MemoryEventSink;
let ports: FleetPorts;
let now = Date.parse(at(0));
beforeEach(() => {
  store = new MemoryFleetStore();
  rows = new MemoryFleetRows();
  events = new MemoryEventSink();
  now = Date.parse(at(0));
  let ids = 0;
  ports = {
    store,
    rows,
    events,
    maxPartitions: 8,
    now: () => new Date(now),
    random: () => 0,
    sleep: async () => undefined,
    newId: () => `layout-${++ids}`,
  };
});

const fleet = () => fleetReader(store).current();
const all = { filter: {}, after: undefined, limit: 10_000 } as const;
const hosts = async () =>
  listHosts(await fleet(), { ...all, sort: 'machineId', descending: false }).hosts.map(({ machineId }) => machineId);

/** Two hosts with a report each. */
const batch = [
  changeTo(hostRowOf('pc-1'), 1),
  changeTo(reportRowOf('pc-1', 1, { 1: 'OK', 2: 'MISSING' }), 1),
  changeTo(hostRowOf('pc-2', { state: 'PENDING_UPDATES' }), 2),
  changeTo(reportRowOf('pc-2', 1, { 1: 'PENDING' }), 2),
];

describe('a batch of changes', () => {
  it('is in the snapshot and in its manifest, and changes nothing when it comes again', async () => {
    expect(await aggregateFleet(ports, batch)).toEqual({ written: 1, unreadable: 0, failing: 0 });
    expect(countHosts(await fleet())).toMatchObject({ OK: 1, PENDING_UPDATES: 1 });
    expect(listUpdates(await fleet(), all).updates.map(({ hosts: byState }) => byState)).toEqual([
      expect.objectContaining({ OK: 1, PENDING: 1 }),
      expect.objectContaining({ MISSING: 1 }),
    ]);
    const first = store.current?.manifest;
    expect(first).toMatchObject({ asOf: at(2), changedAt: at(2), totals: { hosts: 2 } });
    const [entry] = first?.partitions ?? [];
    expect(entry).toEqual({
      generation: 1,
      etag: store.partitions.get(`${first?.layout}/0`)?.tag,
      hosts: 2,
      byState: { OK: 1, PENDING_UPDATES: 1, ERROR: 0, UNKNOWN: 0 },
    });
    expect(await aggregateFleet(ports, batch)).toEqual({ written: 0, unreadable: 0, failing: 0 });
    expect(store.current?.manifest).toEqual(first);
  });

  it('leaves out rows that are nothing of the fleet, and names those that do not parse', async () => {
    const odd = [
      changeTo({ machineId: 'key#abc', item: 'key', version: 1, owner: 'pc-1', at: at(0) }),
      changeTo({ machineId: 'pc-1', item: 'rejected', version: 1 }),
      changeTo({ machineId: 'pc-1', item: 'openings', version: 1, day: '2026-07-14', count: 1 }),
      changeTo({ machineId: 'pc-1', item: 'unheard-of' }),
      changeTo({ machineId: 'pc-2', item: 'host', version: 1 }),
      changeTo({ ...reportRowOf('pc-1', 1, {}), body: Uint8Array.of(1) }),
      changeTo({ ...reportRowOf('pc-3', 1, {}), hash: 7 }),
    ];
    expect(await aggregateFleet(ports, [...odd, ...batch.slice(0, 1)])).toMatchObject({ unreadable: 4 });
    expect(unreadableOf(await fleet())).toEqual(['pc-1/report', 'pc-1/unheard-of', 'pc-2/host', 'pc-3/report']);
    expect(await hosts()).toEqual(['pc-1']);
  });

  it('keeps the last good report of a host whose report does not parse', async () => {
    await aggregateFleet(ports, batch);
    await aggregateFleet(ports, [changeTo({ ...reportRowOf('pc-1', 2, {}), body: 'text' })]);
    expect(listUpdates(await fleet(), { ...all, filter: { state: 'MISSING' } }).total).toBe(1);
    await aggregateFleet(ports, [changeTo(reportRowOf('pc-1', 3, {}))]);
    expect(unreadableOf(await fleet())).toEqual([]);
    expect(listUpdates(await fleet(), { ...all, filter: { state: 'MISSING' } }).total).toBe(0);
  });

  it('takes a removed host out', async () => {
    await aggregateFleet(ports, batch);
    await aggregateFleet(ports, [
      { at: now + 60_000, keys: { machineId: 'pc-1', item: 'host' } },
      { at: now + 60_000, keys: { machineId: 'pc-1', item: 'report' } },
      { at: now + 60_000, keys: { machineId: 'key#abc', item: 'key' } },
    ]);
    expect(await hosts()).toEqual(['pc-2']);
    expect(listUpdates(await fleet(), { ...all, filter: { state: 'MISSING' } }).total).toBe(0);
  });

  it('is applied again when somebody else wrote the partition or the manifest first', async () => {
    const conflicts = { putPartition: 2, putManifest: 3 };
    const crowded: FleetPorts = {
      ...ports,
      store: storeWith(store, {
        async putPartition(stored, tag) {
          // Another writer with other news comes in between.
          if (conflicts.putPartition-- > 0)
            await aggregateFleet(ports, [changeTo(hostRowOf(`other-${conflicts.putPartition}`))]);
          return store.putPartition(stored, tag);
        },
        async putManifest(manifest, tag) {
          if (conflicts.putManifest-- > 0)
            await aggregateFleet(ports, [changeTo(hostRowOf(`third-${conflicts.putManifest}`))]);
          return store.putManifest(manifest, tag);
        },
      }),
    };
    await aggregateFleet(crowded, batch);
    expect(await hosts()).toEqual(['other-0', 'other-1', 'pc-1', 'pc-2', 'third-0', 'third-1', 'third-2']);
    expect(store.current?.manifest.totals.hosts).toBe(7);
  });

  it('fails when a part of the snapshot is lost or damaged, so that it comes again', async () => {
    await aggregateFleet(ports, batch);
    const kept = new Map(store.partitions);
    store.partitions.clear();
    await expect(aggregateFleet(ports, batch)).rejects.toMatchObject({ name: 'FleetError', code: 'damaged' });
    const damaged = {
      ...ports,
      store: storeWith(store, {
        partition: async () => {
          throw new StoreError('corrupt', 'it does not parse');
        },
      }),
    };
    await expect(aggregateFleet(damaged, batch)).rejects.toMatchObject({
      code: 'damaged',
      message: 'it does not parse',
    });
    for (const [key, value] of kept) store.partitions.set(key, value);
    expect(await aggregateFleet(ports, batch)).toMatchObject({ written: 0 });
  });

  it('that died before its partition was named is named when it comes again', async () => {
    const dying = {
      ...ports,
      store: storeWith(store, {
        putManifest: async (manifest, tag) => {
          if (tag !== undefined) throw new Error('the function was killed');
          return store.putManifest(manifest, tag);
        },
      }),
    };
    await expect(aggregateFleet(dying, batch)).rejects.toThrow('killed');
    expect(await hosts()).toEqual([]);
    await aggregateFleet(ports, batch);
    expect(await hosts()).toEqual(['pc-1', 'pc-2']);
    expect(store.current?.manifest.totals.hosts).toBe(2);
  });
});

describe('a host that comes into ERROR', () => {
  it('is told of once', async () => {
    const failing = changeTo(hostRowOf('pc-1', { state: 'ERROR', sequence: 2, lastSeenAt: at(5) }));
    await aggregateFleet(ports, batch);
    expect(await aggregateFleet(ports, [failing, failing])).toMatchObject({ failing: 1 });
    await aggregateFleet(ports, [...batch, failing]);
    expect(events.of('HostFailing')).toEqual([
      { version: 1, machineId: 'pc-1', hostname: 'pc-1.example', group: 'default', at: at(5) },
    ]);
  });
});

describe('the age of the snapshot', () => {
  const beat = (number: number, seconds: number) =>
    changeTo({ machineId: `${fleetBeats.keyPrefix}${number}`, item: 'beat', at: at(seconds) }, seconds);

  it('moves with beats alone, as far as all of them came', async () => {
    await aggregateFleet(ports, batch);
    await aggregateFleet(ports, [beat(0, 100), beat(1, 100), beat(2, 100)]);
    expect(store.current?.manifest.asOf).toBe(at(100));
    await aggregateFleet(ports, [beat(3, 90)]);
    expect(store.current?.manifest.asOf).toBe(at(90));
    await aggregateFleet(ports, [beat(3, 200), beat(0, 200), beat(1, 200)]);
    expect(store.current?.manifest.asOf).toBe(at(100));
    await aggregateFleet(ports, [beat(2, 200), beat(2, 100)]);
    expect(store.current?.manifest.asOf).toBe(at(200));
    expect(unreadableOf(await fleet())).toEqual([]);
    expect(await hosts()).toEqual(['pc-1', 'pc-2']);
  });

  it('is measured when beats are sent', async () => {
    expect(measureBeat(await beatFleet(ports))).toEqual({});
    expect(rows.beats.size).toBe(fleetBeats.count);
    await aggregateFleet(
      ports,
      [...rows.beats].map(([number]) => beat(number, 0)),
    );
    now += 60_000;
    expect(measureBeat(await beatFleet(ports))).toEqual({ FleetAgeSeconds: 60 });
  });
});
