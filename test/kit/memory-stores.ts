/**
 * The ports of the stores in memory, for tests of use cases. They pass the same contract suites as the AWS adapters.
 * Values go in and out as copies, so that no test shares state with a store by accident.
 */
import { decodeSnapshot, encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import {
  filesDiffering,
  kbsDiffering,
  kbsLost,
  mergeFile,
  mergeUnit,
  mergeUnitsOfKb,
  type UnitsOfKb,
  unitsDiffering,
} from '#shared/core/catalog/diff-facts.ts';
import type { Catalog, PayloadFile } from '#shared/core/catalog/model.ts';
import { type StoredUnit, unitFactsOf } from '#shared/core/catalog/unit-facts.ts';
import { monthOf } from '#shared/core/fleet/received.ts';
import { removalLease } from '#shared/core/payloads/cleaning.ts';
import type { CatalogStore, PutFactsOptions } from '#shared/stores/catalog/port.ts';
import type { PageQuery } from '#shared/stores/page.ts';
import type { CleanablePayload, HeldPayload, PayloadStore } from '#shared/stores/payloads/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { pageOf } from './pages.ts';

type RetiredPayload = Extract<CleanablePayload, { state: 'retired' }>;

const copy = <T>(value: T): T => structuredClone(value);

export class MemoryCatalogStore implements CatalogStore {
  readonly facts = new Map<string, PayloadFile>();
  readonly units = new Map<string, StoredUnit>();
  readonly kbs = new Map<string, UnitsOfKb>();
  readonly snapshots = new Map<string, Uint8Array>();

  async fileFacts(sha1s: Iterable<string>) {
    return new Map([...new Set(sha1s)].flatMap((sha1) => entry(sha1, this.facts.get(sha1))));
  }

  /** Beside the port: what tests of others need is a file that some publication named. */
  async putFileFacts(facts: Iterable<PayloadFile>) {
    for (const file of facts) this.facts.set(file.sha1, copy(file));
  }

  async unitFacts(updateId: string) {
    return copy(this.units.get(updateId));
  }

  async unitsById(updateIds: Iterable<string>) {
    return { units: new Map([...new Set(updateIds)].flatMap((id) => entry(id, this.units.get(id)))), unreadable: [] };
  }

  async unitsOfKb(kb: string, query: { readonly cursor?: string | undefined; readonly limit: number }) {
    const rows = this.kbs.get(kb)?.units ?? [];
    const { items, next } = pageOf(rows, query, ({ updateId }) => updateId, `units of ${kb}`);
    return {
      units: items.flatMap(({ updateId }) => copy(this.units.get(updateId)) ?? []),
      unreadable: [],
      total: this.kbs.get(kb)?.total ?? rows.length,
      ...(next !== undefined && { next }),
    };
  }

  async putFacts(catalog: Catalog, { previous, at, compareWithTable, onProgress }: PutFactsOptions) {
    const later = unitFactsOf(catalog);
    const byKb = later.byKb();
    const earlier = previous === undefined || compareWithTable === true ? undefined : previous;
    const units = earlier && unitFactsOf(earlier);
    const left = new Set<string>();
    const differing = {
      files: earlier === undefined ? catalog.files.keys() : filesDiffering(earlier.files, catalog.files),
      units: units === undefined ? [...later.keys(), ...this.units.keys()] : unitsDiffering(units, later),
      kbs: units === undefined ? [...byKb.keys(), ...this.kbs.keys()] : kbsDiffering(units.byKb(), byKb, left),
    };
    const written = { files: 0, units: 0, kbs: 0 };
    const write = <T>(kind: keyof typeof written, rows: Map<string, T>, key: string, row: T | undefined): void => {
      if (row === undefined) return;
      rows.set(key, copy(row));
      written[kind] += 1;
    };
    for (const sha1 of differing.files)
      write('files', this.facts, sha1, mergeFile(this.facts.get(sha1), catalog.files.get(sha1) ?? { sha1 }));
    for (const id of differing.units) {
      const kept = this.units.get(id);
      const replacement = mergeUnit(kept, later.get(id), at);
      for (const kb of kbsLost(kept, replacement)) left.add(kb);
      write('units', this.units, id, replacement);
    }
    for (const kb of differing.kbs)
      write('kbs', this.kbs, kb, mergeUnitsOfKb(kb, this.kbs.get(kb), byKb.get(kb) ?? [], later));
    onProgress?.({ ...written });
    return written;
  }

  async putSnapshot(indexSha256: string, catalog: Parameters<CatalogStore['putSnapshot']>[1]) {
    this.snapshots.set(indexSha256, Buffer.concat([...encodeSnapshot(catalog)]));
  }

  async getSnapshot(indexSha256: string) {
    const bytes = this.snapshots.get(indexSha256);
    return bytes === undefined ? undefined : decodeSnapshot(bytes);
  }
}

function entry<T>(key: string, value: T | undefined): [string, T][] {
  return value === undefined ? [] : [[key, copy(value)]];
}

export class MemoryPayloadStore implements PayloadStore {
  readonly objects = new Map<string, Buffer>();
  readonly records = new Map<string, HeldPayload>();
  readonly #fetched = new Map<string, { files: number; bytes: number }>();
  /** What the cleaning knows of held files: since when nobody needs them. */
  readonly unneeded = new Map<string, string>();
  readonly retired = new Map<string, RetiredPayload>();
  /** Uploads that were neither completed nor aborted. */
  readonly open = new Set<object>();

  async held(sha1s: Iterable<string>) {
    return new Map([...new Set(sha1s)].flatMap((sha1) => entry(sha1, this.records.get(sha1))));
  }

  async retiredAt(sha1: string) {
    const found = this.retired.get(sha1);
    return found?.removingSince === undefined ? found?.retiredAt : undefined;
  }

  async begin(file: { readonly sha1: string; readonly sha256?: string | undefined }) {
    const chunks: Buffer[] = [];
    this.open.add(chunks);
    return {
      write: async (chunk: Uint8Array) => {
        chunks.push(Buffer.from(chunk));
      },
      complete: async (sha256: string) => {
        if (file.sha256 !== undefined && file.sha256 !== sha256)
          throw new StoreError('refused', `the upload was begun as ${file.sha256}`);
        this.objects.set(sha256, Buffer.concat(chunks));
        this.open.delete(chunks);
      },
      abort: async () => {
        this.open.delete(chunks);
      },
    };
  }

  async record(payload: HeldPayload) {
    if (this.retired.has(payload.sha1)) throw new StoreError('conflict', `${payload.sha1} was taken out`);
    const before = this.records.get(payload.sha1);
    if (before === undefined) {
      this.records.set(payload.sha1, copy(payload));
      const month = monthOf(new Date(payload.heldAt));
      const { files, bytes } = await this.fetchedIn(month);
      this.#fetched.set(month, { files: files + 1, bytes: bytes + payload.size });
    } else if (before.sha256 !== payload.sha256 || before.size !== payload.size)
      throw new StoreError('conflict', `${payload.sha1} is recorded as ${before.sha256}`);
  }

  async restore(sha1: string, at: string) {
    const found = this.retired.get(sha1);
    if (found === undefined) return undefined;
    const { state: _, retiredAt: __, removingSince, ...held } = found;
    if (removingSince !== undefined && Date.parse(at) - Date.parse(removingSince) < removalLease)
      throw new StoreError('conflict', `${sha1} is just being removed`);
    this.retired.delete(sha1);
    if (removingSince !== undefined) return undefined;
    this.records.set(sha1, held);
    return copy(held);
  }

  async list(query: PageQuery) {
    const rows = [...this.records.values()].toSorted((a, b) => (a.heldAt < b.heldAt ? 1 : -1));
    return pageOf(copy(rows), query, ({ sha1 }) => sha1, 'files');
  }

  async fetchedIn(month: string) {
    return { files: 0, bytes: 0, ...this.#fetched.get(month) };
  }

  async totals() {
    const bytes = [...this.records.values()].reduce((sum, { size }) => sum + size, 0);
    return { files: this.records.size, bytes };
  }
}
