import type { PartedUpload, TransferStore } from '#shared/stores/payloads/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

/** The transfer store in memory; it passes the same contract suite as the AWS adapter. */
export class MemoryTransferStore implements TransferStore {
  /** By upload id. */
  readonly uploads = new Map<string, Map<number, Buffer>>();
  /** By SHA-1. */
  readonly staged = new Map<string, Buffer>();
  readonly #objects: Map<string, Buffer>;
  #begun = 0;

  /** @param objects where published files go, by SHA-256 */
  constructor(objects: Map<string, Buffer>) {
    this.#objects = objects;
  }

  async beginUpload() {
    this.#begun += 1;
    const id = `upload-${this.#begun}`;
    this.uploads.set(id, new Map());
    return id;
  }

  upload(sha1: string, uploadId: string): PartedUpload {
    return {
      parts: async () => {
        const parts = this.uploads.get(uploadId);
        return parts && new Map([...parts].map(([part, bytes]) => [part, bytes.byteLength]));
      },
      put: async (part, bytes) => {
        const parts = this.uploads.get(uploadId);
        if (parts === undefined) throw new Error(`there is no upload ${uploadId}`);
        parts.set(part, Buffer.from(bytes));
      },
      complete: async ({ parts: count, length }) => {
        const parts = [...(this.uploads.get(uploadId) ?? [])].toSorted(([a], [b]) => a - b);
        const whole = Buffer.concat(parts.map(([, bytes]) => bytes));
        if (parts.length !== count || parts.some(([part], at) => part !== at + 1) || whole.byteLength !== length)
          throw new StoreError('conflict', `${sha1} is not completed: other parts are there`);
        this.uploads.delete(uploadId);
        this.staged.set(sha1, whole);
      },
      abort: async () => {
        this.uploads.delete(uploadId);
      },
    };
  }

  async stagedBytes(sha1: string) {
    return this.staged.get(sha1)?.byteLength;
  }

  async openStaged(sha1: string) {
    const bytes = this.#stagedOf(sha1);
    return (async function* () {
      yield bytes;
    })();
  }

  async publishStaged(sha1: string, { sha256 }: { readonly sha256: string }) {
    this.#objects.set(sha256, this.#stagedOf(sha1));
  }

  async dropStaged(sha1: string) {
    this.staged.delete(sha1);
  }

  #stagedOf(sha1: string): Buffer {
    const bytes = this.staged.get(sha1);
    if (bytes === undefined) throw new StoreError('not-found', `there is no ${sha1}`);
    return bytes;
  }
}
