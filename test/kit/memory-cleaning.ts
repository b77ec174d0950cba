/** The cleaning of payload files in memory, on the store of memory-stores.ts. It passes the AWS adapter's contract suite. */
import type { CleaningRun } from '#shared/contract/operators/cleaning.ts';
import type { PageQuery } from '#shared/stores/page.ts';
import type { CleanablePayload, CleaningJournal, PayloadCleaning } from '#shared/stores/payloads/port.ts';
import type { MemoryPayloadStore } from './memory-stores.ts';

const copy = <T>(value: T): T => structuredClone(value);

export class MemoryPayloadCleaning implements PayloadCleaning {
  readonly store: MemoryPayloadStore;
  readonly removed = { files: 0, bytes: 0 };
  lastHosts: number | undefined;

  constructor(store: MemoryPayloadStore) {
    this.store = store;
  }

  async list(state: CleanablePayload['state'], { cursor, limit }: PageQuery) {
    const rows = [...(state === 'held' ? this.store.records : this.store.retired).keys()]
      .map((sha1) => this.#find(sha1))
      .filter((file) => file !== undefined)
      .toSorted((a, b) => (placeOf(a) < placeOf(b) ? 1 : -1))
      // By the place and not by the row, which may be in another list by now.
      .filter((file) => cursor === undefined || placeOf(file) < cursor);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: copy(items),
      unreadable: [],
      ...(last !== undefined && rows.length > limit && { next: placeOf(last) }),
    };
  }

  async markUnneeded(sha1s: readonly string[], since: string) {
    for (const sha1 of sha1s)
      if (this.store.records.has(sha1) && !this.store.unneeded.has(sha1)) this.store.unneeded.set(sha1, since);
  }

  async clearUnneeded(sha1s: readonly string[]) {
    for (const sha1 of sha1s) this.store.unneeded.delete(sha1);
  }

  async retire(files: readonly CleanablePayload[], at: string) {
    return this.#asRead(files, (file) => {
      const { state: _, ...held } = file;
      const { unneededSince: __, ...payload } = { unneededSince: undefined, ...held };
      this.store.records.delete(file.sha1);
      this.store.unneeded.delete(file.sha1);
      this.store.retired.set(file.sha1, { ...payload, state: 'retired', retiredAt: at });
    });
  }

  async restore(files: readonly CleanablePayload[]) {
    return this.#asRead(files, ({ sha1, sha256, size, name, heldAt }) => {
      this.store.retired.delete(sha1);
      this.store.records.set(sha1, { sha1, sha256, size, heldAt, ...(name !== undefined && { name }) });
    });
  }

  async remove(files: readonly CleanablePayload[], at: string) {
    return this.#asRead(files, (file) => {
      const found = this.store.retired.get(file.sha1);
      if (found !== undefined) this.store.retired.set(file.sha1, { ...found, removingSince: at });
      this.store.objects.delete(file.sha256);
    }).map((file) => ({ ...file, removingSince: at }));
  }

  async forget(files: readonly CleanablePayload[]) {
    return this.#asRead(files, ({ sha1, size }) => {
      this.store.retired.delete(sha1);
      this.removed.files += 1;
      this.removed.bytes += size;
    });
  }

  async totals() {
    const retired = { files: 0, bytes: 0 };
    for (const { size } of this.store.retired.values()) {
      retired.files += 1;
      retired.bytes += size;
    }
    return { retired, removed: copy(this.removed) };
  }

  async hosts() {
    return this.lastHosts;
  }

  async noteHosts(hosts: number) {
    this.lastHosts = hosts;
  }

  #find(sha1: string): CleanablePayload | undefined {
    const held = this.store.records.get(sha1);
    if (held === undefined) return this.store.retired.get(sha1);
    const unneededSince = this.store.unneeded.get(sha1);
    return { ...held, state: 'held', ...(unneededSince !== undefined && { unneededSince }) };
  }

  /** Does it to those that are as they were read. */
  #asRead(files: readonly CleanablePayload[], change: (file: CleanablePayload) => void): CleanablePayload[] {
    const same = files.filter((file) => JSON.stringify(sorted(this.#find(file.sha1))) === JSON.stringify(sorted(file)));
    for (const file of same) change(file);
    return same;
  }
}

const placeOf = ({ heldAt, sha1 }: CleanablePayload): string => `${heldAt} ${sha1}`;

const sorted = (file: CleanablePayload | undefined) =>
  Object.entries(file ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Cleanings that somebody asked for. */
export class MemoryCleaningJournal implements CleaningJournal {
  readonly runs = new Map<string, CleaningRun>();

  async putRun(run: CleaningRun) {
    if (this.runs.get(run.runId)?.state !== 'ended') this.runs.set(run.runId, copy(run));
  }

  async run(runId: string) {
    return copy(this.runs.get(runId));
  }
}
