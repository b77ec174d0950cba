/** The stores of indexes and of the journal in memory, as memory-stores.ts has the others. */
import type { IndexCopy, UnfinishedPublication } from '#shared/contract/index-copy.ts';
import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { IndexRefusal, SyncRun } from '#shared/contract/operators/index-sync.ts';
import type { IndexStore, IndexUpload, StagedIndex, SyncJournal } from '#shared/stores/catalog/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { streamOf } from './values.ts';

const copy = <T>(value: T): T => structuredClone(value);

export class MemoryIndexStore implements IndexStore {
  readonly staged = new Map<string, Buffer>();
  readonly stored = new Map<string, Buffer>();
  readonly refused = new Map<string, Buffer>();
  /** Uploads in parts that were neither completed nor aborted, by upload id. */
  readonly uploads = new Map<string, { readonly copyId: string; readonly parts: Map<number, Buffer> }>();
  pointer: { readonly pointer: IndexPointer; readonly tag: string } | undefined;
  #tags = 0;

  async current() {
    return copy(this.pointer);
  }

  async beginUpload(copyId: string) {
    this.#tags += 1;
    const uploadId = `upload ${this.#tags}`;
    this.uploads.set(uploadId, { copyId, parts: new Map() });
    return uploadId;
  }

  upload(copyId: string, uploadId: string): IndexUpload {
    const found = () => {
      const upload = this.uploads.get(uploadId);
      return upload?.copyId === copyId ? upload.parts : undefined;
    };
    return {
      parts: async () => {
        const parts = found();
        return parts && new Map([...parts].map(([part, bytes]) => [part, bytes.byteLength]));
      },
      put: async (part, bytes) => {
        const parts = found();
        if (parts === undefined) throw new Error(`there is no upload ${uploadId}`);
        parts.set(part, Buffer.from(bytes));
      },
      complete: async ({ parts: count, length }) => {
        const parts = [...(found() ?? [])].sort(([a], [b]) => a - b);
        const bytes = Buffer.concat(parts.map(([, part]) => part));
        if (parts.length !== count || parts.some(([part], at) => part !== at + 1) || bytes.byteLength !== length)
          throw new StoreError('conflict', `${parts.length} parts with ${bytes.byteLength} bytes are there`);
        this.staged.set(copyId, bytes);
        this.uploads.delete(uploadId);
      },
      abort: async () => {
        if (found() !== undefined) this.uploads.delete(uploadId);
      },
    };
  }

  async stage(copyId: string, body: AsyncIterable<Uint8Array>) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
    const bytes = Buffer.concat(chunks);
    this.staged.set(copyId, bytes);
    return bytes.byteLength;
  }

  async stagedBytes(copyId: string) {
    return this.staged.get(copyId)?.byteLength;
  }

  async openStaged(copyId: string) {
    return streamOf(this.#staged(copyId));
  }

  async promote({ copyId, sha256 }: StagedIndex) {
    this.stored.set(sha256, this.#staged(copyId));
    this.staged.delete(copyId);
  }

  async keepAside({ copyId, sha256 }: StagedIndex) {
    this.refused.set(sha256, this.#staged(copyId));
    this.staged.delete(copyId);
  }

  async drop(copyId: string) {
    this.staged.delete(copyId);
  }

  async has(sha256: string) {
    return this.stored.has(sha256);
  }

  async open(sha256: string) {
    const bytes = this.stored.get(sha256);
    if (bytes === undefined) throw new StoreError('not-found', `there is no index ${sha256}`);
    return streamOf(bytes);
  }

  #staged(copyId: string): Buffer {
    const bytes = this.staged.get(copyId);
    if (bytes === undefined) throw new StoreError('not-found', `nothing is staged for ${copyId}`);
    return bytes;
  }

  /** When each was stored, for tests that care; the order of storing else. Milliseconds since 1970. */
  readonly storedAt = new Map<string, number>();

  async publications() {
    return [...this.stored.keys()].map((sha256, place) => ({ sha256, storedAt: this.storedAt.get(sha256) ?? place }));
  }

  async dropPublication(sha256: string) {
    this.stored.delete(sha256);
  }

  async moveCurrent(pointer: IndexPointer, tag: string | undefined) {
    if (this.pointer?.tag !== tag) throw new StoreError('conflict', 'the pointer is not the one that was read');
    this.#tags += 1;
    this.pointer = { pointer: copy(pointer), tag: `tag ${this.#tags}` };
  }
}

export class MemorySyncJournal implements SyncJournal {
  #refusal: IndexRefusal | undefined;
  #copy: IndexCopy | undefined;
  #unfinished: UnfinishedPublication | undefined;
  readonly runs = new Map<string, SyncRun>();

  async refusal() {
    return copy(this.#refusal);
  }

  async putRefusal(refusal: IndexRefusal) {
    this.#refusal = copy(refusal);
  }

  async clearRefusal() {
    this.#refusal = undefined;
  }

  async copy() {
    return copy(this.#copy);
  }

  async putCopy(next: IndexCopy, known: number | undefined) {
    if (this.#copy?.revision !== known) throw new StoreError('conflict', 'another run went on with the copy');
    this.#copy = copy(next);
  }

  async clearCopy(known: number) {
    if (this.#copy?.revision !== known) throw new StoreError('conflict', 'another run went on with the copy');
    this.#copy = undefined;
  }

  async unfinished() {
    return copy(this.#unfinished);
  }

  async putUnfinished(publication: UnfinishedPublication) {
    this.#unfinished = copy(publication);
  }

  async clearUnfinished() {
    this.#unfinished = undefined;
  }

  async putRun(run: SyncRun) {
    if (this.runs.get(run.runId)?.state === 'ended') return;
    this.runs.set(run.runId, copy(run));
  }

  async run(runId: string) {
    return copy(this.runs.get(runId));
  }
}
