/**
 * What a year of updates takes up: files that hosts asked for, cleaned each day by the broker's own function, against all
 * files of the same products, which is what WSUS fetches when it approves all of them. Both from the same made-up input.
 */
import { cleanPayloads } from '#functions/clean-payloads/clean-payloads.ts';
import type { CleanPorts } from '#functions/clean-payloads/ports.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import { MemoryCleaningJournal, MemoryPayloadCleaning } from '#test/kit/memory-cleaning.ts';
import { MemoryPackageFiles } from '#test/kit/memory-packages.ts';
import { MemoryRepositoryStore } from '#test/kit/memory-repository.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from '#test/kit/memory-stores.ts';
import { catalogOf, unit } from '#test/kit/values.ts';
import type { Bench, BenchContext, BenchRow } from '../kit/bench.ts';
import { fleetLines, MadeUpFleet } from './fleet.ts';
import { type Publication, publications, type StoredFile, yearOf } from './months.ts';

export const storageBench: Bench = {
  name: 'storage',
  summary: 'bytes held and fetched over twelve publications, against all files of the same products',
  run,
};

const day = 24 * 3600_000;
/** Days after the last publication that are still looked at: one more month. */
const daysAfter = 28;

const sum = (files: Iterable<StoredFile>): number => [...files].reduce((bytes, { size }) => bytes + size, 0);

async function run({ progress }: BenchContext): Promise<readonly BenchRow[]> {
  const year = yearOf(new Set(Object.keys(fleetLines)));
  const broker = await Broker.open(year);
  const wsus = new Everything();
  const [first, last] = [year[0], year.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing was published');
  const held = { broker: 0, wsus: 0, swept: 0, days: 0 };
  for (let now = first.at.getTime(); now <= last.at.getTime() + daysAfter * day; now += day) {
    const published = year.filter(({ at }) => at.getTime() <= now);
    wsus.take(published);
    await broker.live(new Date(now), published);
    held.broker += broker.heldBytes;
    held.wsus += sum(wsus.all.values());
    held.swept += wsus.keptBySweeping(published, now);
    held.days += 1;
  }
  progress(`${publications} publications, ${broker.fleet.hosts.length} hosts, ${held.days} days`);
  const fetchedByWsus = sum(wsus.all.values());
  return [
    { name: 'all files of the products: published', value: fetchedByWsus / 1e6, unit: 'MB' },
    { name: 'all files of the products: files', value: wsus.all.size, unit: 'files' },
    { name: 'asked for: fetched', value: broker.fetchedBytes / 1e6, unit: 'MB' },
    { name: 'asked for: files', value: broker.fetchedFiles, unit: 'files' },
    { name: 'asked for: fetched again after a cleaning', value: broker.fetchedAgain, unit: 'files' },
    {
      name: 'fetched, of all files',
      value: broker.fetchedBytes / fetchedByWsus,
      unit: 'ratio',
      goal: { atMost: 0.9 },
    },
    {
      name: 'held at the end, of all files',
      value: broker.heldBytes / fetchedByWsus,
      unit: 'ratio',
      goal: { atMost: 0.5 },
    },
    {
      name: 'held on average, of all files so far',
      value: held.broker / held.wsus,
      unit: 'ratio',
      goal: { atMost: 0.5 },
    },
    // WSUS's clean-up wizard drops what was replaced more than 30 days ago, when somebody runs it.
    {
      name: 'held on average, of all files with the wizard run each day',
      value: held.broker / held.swept,
      unit: 'ratio',
    },
    { name: 'held and retired at most', value: broker.mostStored / 1e6, unit: 'MB' },
    { name: 'asked for and never cleaned: held at the end', value: sum(broker.everAsked.values()) / 1e6, unit: 'MB' },
  ];
}

/** All files of the products, from the day on which they are published. */
class Everything {
  readonly all = new Map<string, StoredFile>();

  take(published: readonly Publication[]): void {
    for (const { updates } of published)
      for (const { files } of updates) for (const file of files) this.all.set(file.sha1, file);
  }

  /** Bytes of what was not replaced more than 30 days ago. */
  keptBySweeping(published: readonly Publication[], now: number): number {
    const kept = new Map<string, StoredFile>();
    const replacedAt = new Map<string, number>();
    for (const { updates, at } of published.toReversed()) {
      for (const { series, lines, files } of updates) {
        const name = `${series} ${lines.join()}`;
        const replaced = replacedAt.get(name);
        if (replaced === undefined || now - replaced <= 30 * day) for (const file of files) kept.set(file.sha1, file);
        replacedAt.set(name, at.getTime());
      }
    }
    return sum(kept.values());
  }
}

/** The broker: fetches what hosts ask for, and is cleaned each day with the defaults of the stack. */
class Broker {
  readonly fleet = new MadeUpFleet();
  readonly everAsked = new Map<string, StoredFile>();
  fetchedBytes = 0;
  fetchedFiles = 0;
  fetchedAgain = 0;
  heldBytes = 0;
  /** Bytes in the bucket on the day with most of them. */
  mostStored = 0;
  readonly #payloads = new MemoryPayloadStore();
  readonly #cleaning = new MemoryPayloadCleaning(this.#payloads);
  readonly #catalog = new MemoryCatalogStore();
  readonly #filesOf = new Map<string, readonly StoredFile[]>();
  #partition = new FleetPartition();

  /** A broker that knows what is published in this year. */
  static async open(year: readonly Publication[]): Promise<Broker> {
    const broker = new Broker();
    for (const { updates } of year) {
      for (const { updateId, files } of updates) {
        const catalog = catalogOf([unit(1, { updateId, payload: files.map(({ sha1 }) => sha1) })]);
        await broker.#catalog.putFacts(catalog, { previous: undefined, at: new Date(0).toISOString() });
        broker.#filesOf.set(updateId, files);
      }
    }
    return broker;
  }

  async live(now: Date, published: readonly Publication[]): Promise<void> {
    const changes = this.fleet.report(now, published);
    this.#partition = this.#partition.apply(changes, now.getTime()).partition;
    const asked = new Map<string, StoredFile>();
    for (const change of changes) {
      if (change.kind !== 'report') continue;
      for (const { updateId, state } of change.report.updates)
        if (state === 'MISSING') for (const file of this.#filesOf.get(updateId) ?? []) asked.set(file.sha1, file);
    }
    await this.#fetch(asked, now);
    const { result } = await cleanPayloads(this.#ports(now), {}, new AbortController().signal);
    if (result.outcome !== 'cleaned' || !result.finished)
      throw new Error(`${now.toISOString()}: ${JSON.stringify(result)}`);
    this.heldBytes = (await this.#payloads.totals()).bytes;
    this.mostStored = Math.max(this.mostStored, this.heldBytes + (await this.#cleaning.totals()).retired.bytes);
  }

  async #fetch(asked: ReadonlyMap<string, StoredFile>, now: Date): Promise<void> {
    const at = now.toISOString();
    const held = await this.#payloads.held(asked.keys());
    for (const [sha1, file] of asked) {
      if (held.has(sha1) || (await this.#payloads.restore(sha1, at)) !== undefined) continue;
      await this.#payloads.record({ ...file, heldAt: at });
      this.fetchedBytes += file.size;
      this.fetchedFiles += 1;
      if (this.everAsked.has(sha1)) this.fetchedAgain += 1;
      this.everAsked.set(sha1, file);
    }
  }

  #ports(now: Date): CleanPorts {
    const days = 24 * 3600;
    return {
      cleaning: this.#cleaning,
      journal: new MemoryCleaningJournal(),
      fleet: { current: async () => ({ asOf: now.getTime(), partitions: [this.#partition] }) },
      catalog: this.#catalog,
      requests: new MemoryRequestStore(),
      events: { publish: async () => {} },
      packages: new MemoryPackageFiles(),
      repository: new MemoryRepositoryStore(),
      now: () => now,
      settings: { graceSeconds: 14 * days, pauseSeconds: 2 * days, hostsCountForSeconds: 90 * days, keepKbs: [] },
    };
  }
}
