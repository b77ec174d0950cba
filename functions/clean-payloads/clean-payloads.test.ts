import { beforeEach, describe, expect, it } from 'vitest';
import type { CleanPayloadsEvent } from '#shared/contract/messages/clean-payloads.ts';
import type { Cleaned } from '#shared/contract/operators/cleaning.ts';
import type { FleetChange, HostRow } from '#shared/core/fleet/model.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import { MemoryCleaningJournal, MemoryPayloadCleaning } from '#test/kit/memory-cleaning.ts';
import { MemoryEventSink } from '#test/kit/memory-events.ts';
import { MemoryPackageFiles } from '#test/kit/memory-packages.ts';
import { MemoryRepositoryStore } from '#test/kit/memory-repository.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from '#test/kit/memory-stores.ts';
import { fleetHostOf } from '#test/kit/operators-api.ts';
import { altered, dying } from '#test/kit/sync-bench.ts';
import { at, catalogOf, guid, sha1, sha256, unit } from '#test/kit/values.ts';
import { cleanPayloads, measureCleaning } from './clean-payloads.ts';
import type { CleanPorts } from './ports.ts';

const day = 86_400;
const fileOf = (n: number): string => sha1(`file ${n}`);

let seconds: number;
let payloads: MemoryPayloadStore;
let cleaning: MemoryPayloadCleaning;
let journal: MemoryCleaningJournal;
let requests: MemoryRequestStore;
let catalog: MemoryCatalogStore;
let events: MemoryEventSink;
let fleet: { asOf: number; partitions: FleetPartition[] };
let keepKbs: string[];

beforeEach(async () => {
  seconds = 100 * day;
  payloads = new MemoryPayloadStore();
  cleaning = new MemoryPayloadCleaning(payloads);
  journal = new MemoryCleaningJournal();
  requests = new MemoryRequestStore();
  catalog = new MemoryCatalogStore();
  events = new MemoryEventSink();
  keepKbs = [];
  // Three updates with a file each, all of them held.
  await catalog.putFacts(catalogOf([1, 2, 3].map((n) => unit(n))), { previous: undefined, at: at(0) });
  for (const n of [1, 2, 3]) await hold(n);
  setFleet(host('pc-1', { 1: 'MISSING', 2: 'OK' }));
});

async function hold(n: number): Promise<void> {
  const digest = sha256(`file ${n}`);
  payloads.objects.set(digest, Buffer.from(`bytes ${n}`));
  await payloads.record({ sha1: fileOf(n), sha256: digest, size: n * 100, name: `${n}.cab`, heldAt: at(n) });
}

type Host = readonly FleetChange[];
/** A host of now, with updates by number. */
function host(machineId: string, states: Readonly<Record<number, UpdateState>>, more: Partial<HostRow> = {}): Host {
  const now = Date.parse(at(seconds));
  const updates = Object.entries(states).map(([n, state]) => ({
    updateId: guid(Number(n)),
    revision: 200,
    kbs: [],
    state,
  }));
  const seen = more.lastSeenAt ?? now;
  return [
    { kind: 'host', host: fleetHostOf(machineId, { enrolledAt: 1, lastSeenAt: now, ...more }) },
    { kind: 'report', report: { machineId, reportVersion: 1, reportedAt: seen, updates } },
  ];
}

function setFleet(...hosts: readonly Host[]): void {
  const now = Date.parse(at(seconds));
  fleet = { asOf: now, partitions: [new FleetPartition().apply(hosts.flat(), now).partition] };
}

const ports = (more: Partial<CleanPorts> = {}): CleanPorts => ({
  cleaning,
  journal,
  fleet: { current: async () => fleet },
  catalog,
  requests,
  events,
  packages: new MemoryPackageFiles(),
  repository: new MemoryRepositoryStore(),
  now: () => new Date(at(seconds)),
  settings: { graceSeconds: 14 * day, pauseSeconds: 2 * day, hostsCountForSeconds: 90 * day, keepKbs },
  ...more,
});
const run = async (event: CleanPayloadsEvent = {}, more: Partial<CleanPorts> = {}, signal?: AbortSignal) =>
  cleanPayloads(ports(more), event, signal ?? new AbortController().signal);
const clean = async (event: CleanPayloadsEvent = {}, more: Partial<CleanPorts> = {}): Promise<Cleaned> => {
  const { result } = await run(event, more);
  if (result.outcome !== 'cleaned') throw new Error(JSON.stringify(result));
  return result;
};
/** The fleet is as it was, some days later. */
const later = (days: number): void => {
  seconds += days * day;
  fleet.asOf = Date.parse(at(seconds));
};
const held = async (...numbers: readonly number[]) => [...(await payloads.held(numbers.map(fileOf))).keys()];
const everything = () => ({
  objects: [...payloads.objects.keys()].toSorted(),
  records: [...payloads.records.keys()].toSorted(),
  retired: [...payloads.retired.keys()].toSorted(),
  unneeded: [...payloads.unneeded.keys()].toSorted(),
});

describe('a cleaning', () => {
  it('keeps what a host needs, and takes the rest out: first the offer, a pause later the bytes', async () => {
    expect(await clean()).toMatchObject({
      finished: true,
      hosts: 1,
      needed: { files: 1, bytes: 100 },
      waiting: { files: 2, bytes: 500 },
      retired: { files: 0, bytes: 0 },
    });
    later(13);
    expect(await clean()).toMatchObject({ waiting: { files: 2 }, retired: { files: 0 } });
    later(1);
    expect(await clean()).toMatchObject({
      retired: { files: 2, bytes: 500 },
      largest: [
        { sha1: fileOf(3), name: '3.cab', size: 300, step: 'retired' },
        { sha1: fileOf(2), name: '2.cab', size: 200, step: 'retired' },
      ],
    });
    expect(await held(1, 2, 3)).toEqual([fileOf(1)]);
    expect(await payloads.totals()).toEqual({ files: 1, bytes: 100 });
    expect(await cleaning.totals()).toEqual({ retired: { files: 2, bytes: 500 }, removed: { files: 0, bytes: 0 } });
    expect(payloads.objects.size, 'whoever downloads one has it still').toBe(3);
    later(1);
    expect(await clean()).toMatchObject({ pausing: { files: 2, bytes: 500 }, removed: { files: 0 } });
    later(1);
    const last = await run();
    expect(last.result).toMatchObject({ removed: { files: 2, bytes: 500 } });
    expect(measureCleaning(last)).toEqual({
      CleaningStopped: 0,
      FilesRetired: 0,
      FilesRemoved: 2,
      BytesFreed: 500,
      UnreadableRows: 0,
    });
    expect([...payloads.objects.keys()]).toEqual([sha256('file 1')]);
    expect(await cleaning.totals()).toEqual({ retired: { files: 0, bytes: 0 }, removed: { files: 2, bytes: 500 } });
    expect(events.of('FileRemoved')).toMatchObject([{ sha1: fileOf(3) }, { sha1: fileOf(2) }]);
    expect(await clean()).toMatchObject({ needed: { files: 1 }, waiting: { files: 0 }, removed: { files: 0 } });
  });

  it('counts the grace anew when a file was needed in between', async () => {
    await clean();
    later(10);
    setFleet(host('pc-1', { 1: 'MISSING', 2: 'PENDING' }));
    expect(await clean()).toMatchObject({ needed: { files: 2 }, waiting: { files: 1 } });
    setFleet(host('pc-1', { 1: 'MISSING', 2: 'OK' }));
    later(5);
    expect(await clean()).toMatchObject({ waiting: { files: 1 }, retired: { files: 1 } });
    expect(await held(2, 3)).toEqual([fileOf(2)]);
  });

  it('offers a retired file again when a host needs it again', async () => {
    await clean({ runId: 'run', graceSeconds: 0 });
    expect(await held(1, 2, 3)).toEqual([fileOf(1)]);
    later(3);
    setFleet(host('pc-1', { 1: 'MISSING', 2: 'ERROR' }));
    expect(await clean()).toMatchObject({ restored: { files: 1, bytes: 200 }, removed: { files: 1, bytes: 300 } });
    expect(await held(1, 2, 3)).toEqual([fileOf(1), fileOf(2)]);
    expect(await payloads.totals()).toEqual({ files: 2, bytes: 300 });
  });

  it('keeps files of the KBs that the stack names, and those that are asked for right now', async () => {
    keepKbs = ['5000002'];
    await requests.open({ sha1: fileOf(3), requestedBy: 'pc-9', requestedAt: at(1) });
    expect(await clean({ runId: 'run', graceSeconds: 0 })).toMatchObject({
      needed: { files: 3 },
      retired: { files: 0 },
    });
    await requests.complete(fileOf(3), { at: at(2), sha256: sha256('file 3') });
    expect(await clean({ runId: 'run', graceSeconds: 0 })).toMatchObject({
      needed: { files: 2 },
      retired: { files: 1 },
    });
  });

  it('lets hosts that were not seen for long keep nothing, nor revoked ones', async () => {
    const now = Date.parse(at(seconds));
    setFleet(
      host('pc-1', { 1: 'MISSING' }),
      host('pc-2', { 2: 'MISSING' }, { lastSeenAt: now - 91 * day * 1000 }),
      host('pc-3', { 3: 'MISSING' }, { revokedAt: now }),
    );
    expect(await clean()).toMatchObject({ hosts: 1, needed: { files: 1 }, waiting: { files: 2 } });
  });

  it('with another grace retires at once; wishes count with a run id only', async () => {
    expect(await clean({ graceSeconds: 0 })).toMatchObject({ waiting: { files: 2 }, retired: { files: 0 } });
    expect(await clean({ runId: 'run', graceSeconds: 0 })).toMatchObject({ retired: { files: 2 } });
  });

  it('that only says what it would do writes nothing but its end', async () => {
    await journal.putRun({ version: 1, runId: 'run', state: 'started', startedAt: at(0), wishes: { dryRun: true } });
    await clean();
    later(14);
    const before = everything();
    const result = await clean({ runId: 'run', dryRun: true });
    expect(result).toMatchObject({ dryRun: true, retired: { files: 2, bytes: 500 }, largest: { length: 2 } });
    expect(everything()).toEqual(before);
    expect(await journal.run('run')).toMatchObject({ state: 'ended', endedAt: at(seconds), result });
  });

  it('goes through all pages, and stops before its time is over', async () => {
    for (let n = 4; n < 600; n += 1) await hold(n);
    expect(await clean()).toMatchObject({ needed: { files: 1 }, waiting: { files: 598 } });
    later(14);
    const stop = new AbortController();
    const list: typeof cleaning.list = (state, query) => {
      if (state === 'held') stop.abort();
      return cleaning.list(state, query);
    };
    const { result } = await run({}, { cleaning: altered(cleaning, { list }) }, stop.signal);
    expect(result).toMatchObject({ outcome: 'cleaned', finished: false, retired: { files: 250 } });
    expect(await clean()).toMatchObject({ finished: true, retired: { files: 348 }, pausing: { files: 250 } });
  });
});

describe('nothing is cleaned', () => {
  const stopped = async (reason: RegExp, event: CleanPayloadsEvent = { runId: 'run', graceSeconds: 0 }) => {
    const before = everything();
    const report = await run(event);
    expect(report.result).toEqual({ outcome: 'stopped', reason: expect.stringMatching(reason) });
    expect(measureCleaning(report)).toEqual({ CleaningStopped: 1, UnreadableRows: 0 });
    expect(everything()).toEqual(before);
  };

  it('without a snapshot of the fleet', async () => {
    fleet = { asOf: 0, partitions: [] };
    await stopped(/no snapshot of the fleet/);
  });

  it('with a snapshot older than an hour', async () => {
    seconds += 3601;
    await stopped(/older than 60 minutes/);
  });

  it('with no host in it, or half of them gone, until a person knows of it', async () => {
    setFleet(host('pc-1', {}), host('pc-2', {}), host('pc-3', {}));
    await clean();
    setFleet(host('pc-1', {}));
    await stopped(/from 3 hosts to 1 .*--fewer-hosts/);
    setFleet();
    await stopped(/no host that counts; --fewer-hosts/);
    expect(await clean({ runId: 'run', fewerHosts: true, graceSeconds: 0 })).toMatchObject({
      hosts: 0,
      retired: { files: 3 },
    });
  });

  it('while rows of hosts do not parse', async () => {
    const now = Date.parse(at(seconds));
    const unreadable: FleetChange = { kind: 'unreadable', machineId: 'pc-2', item: 'report' };
    fleet.partitions = fleet.partitions.map((partition) => partition.apply([unreadable], now).partition);
    await stopped(/rows of the table of hosts do not parse \(pc-2\/report\)/);
  });

  it('while files of a needed update are not known', async () => {
    const facts = catalog.units.get(guid(1));
    if (facts !== undefined) catalog.units.set(guid(1), { ...facts, totals: { files: 501 } });
    await stopped(new RegExp(`unreadable or cut \\(${guid(1)}\\)`));
  });
});

describe('a cleaning that dies', () => {
  const methods = ['markUnneeded', 'retire', 'restore', 'remove', 'forget', 'noteHosts'] as const;
  const cases = methods.flatMap((method) => (['before', 'after'] as const).map((when) => [when, method] as const));
  it.each(cases)('%s %s is made up for by the next one', async (when, method) => {
    /** Two files marked, one of them due; one to restore; one to remove, and one whose removal broke off. */
    const prepare = async (): Promise<void> => {
      for (const n of [4, 5, 6]) await hold(n);
      setFleet(host('pc-1', { 1: 'MISSING' }));
      await clean();
      later(14);
      const files = (await cleaning.list('held', { limit: 9 })).items;
      const of = (...numbers: readonly number[]) => files.filter((file) => numbers.map(fileOf).includes(file.sha1));
      await cleaning.retire(of(4, 5, 1), at(seconds - 2 * day));
      await cleaning.remove(
        (await cleaning.list('retired', { limit: 9 })).items.filter((file) => file.sha1 === fileOf(5)),
        at(seconds - 9),
      );
      await cleaning.clearUnneeded([fileOf(3)]);
    };
    await prepare();
    await expect(run({}, { cleaning: dying(cleaning, method, when) })).rejects.toThrow(`died at ${method}`);
    await clean();
    expect(everything()).toEqual({
      objects: [1, 2, 3, 6].map((n) => sha256(`file ${n}`)).toSorted(),
      records: [1, 3].map(fileOf).toSorted(),
      retired: [2, 6].map(fileOf).toSorted(),
      unneeded: [fileOf(3)],
    });
    expect(await payloads.totals()).toEqual({ files: 2, bytes: 400 });
    expect(await cleaning.totals()).toEqual({ retired: { files: 2, bytes: 800 }, removed: { files: 2, bytes: 900 } });
  });

  it('tells whoever asked for it', async () => {
    await journal.putRun({ version: 1, runId: 'run', state: 'started', startedAt: at(0), wishes: {} });
    await expect(run({ runId: 'run' }, { cleaning: dying(cleaning, 'list', 'before') })).rejects.toThrow('died');
    expect(await journal.run('run')).toMatchObject({ state: 'ended', result: { outcome: 'failed', reason: /died/ } });
  });
});
