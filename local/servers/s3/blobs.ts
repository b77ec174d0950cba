/** Bytes of objects in files that are written once and never changed. */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface Segment {
  readonly blob: string;
  readonly size: number;
}

/** A file being written; it counts for nothing until its name stands in the database. */
export interface BlobWriter {
  readonly blob: string;
  write(chunk: Uint8Array): Promise<void>;
  /** The bytes are on the disk when this resolves. */
  finish(): Promise<void>;
  discard(): Promise<void>;
}

export interface BlobHold {
  /** Bytes `start` to `end` (both counted in) of the segments one after the other. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  release(): Promise<void>;
}

/**
 * The folder of blobs. A blob that is being read stays until its last reader has ended, so that an object can be
 * replaced or deleted under a download, which then still gets the old bytes.
 */
export class Blobs {
  readonly #folder: string;
  readonly #readers = new Map<string, number>();
  readonly #doomed = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async create(): Promise<BlobWriter> {
    const blob = randomUUID();
    const path = this.#path(blob);
    await mkdir(join(path, '..'), { recursive: true });
    const file = await open(path, 'wx', 0o600);
    return {
      blob,
      write: async (chunk) => {
        for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
      },
      finish: async () => {
        await file.sync();
        await file.close();
      },
      discard: async () => {
        await file.close();
        await rm(path, { force: true });
      },
    };
  }

  /** A second name for the same bytes, to be removed on its own. */
  async duplicate(blob: string): Promise<string> {
    const copy = randomUUID();
    await mkdir(join(this.#path(copy), '..'), { recursive: true });
    await link(this.#path(blob), this.#path(copy));
    return copy;
  }

  /** Keeps the bytes of the segments readable until it is released, whatever happens to their object. */
  hold(segments: readonly Segment[]): BlobHold {
    for (const { blob } of segments) this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1);
    return {
      read: (start, end) => this.#read(segments, start, end),
      release: async () => {
        for (const { blob } of segments) await this.#release(blob);
      },
    };
  }

  async *#read(segments: readonly Segment[], start: number, end: number): AsyncGenerator<Buffer> {
    let offset = 0;
    for (const { blob, size } of segments) {
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, size - 1);
      offset += size;
      if (from > to) continue;
      yield* createReadStream(this.#path(blob), { start: from, end: to, highWaterMark: 256 * 1024 });
    }
  }

  async #release(blob: string): Promise<void> {
    const left = (this.#readers.get(blob) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(blob, left);
      return;
    }
    this.#readers.delete(blob);
    if (this.#doomed.delete(blob)) await rm(this.#path(blob), { force: true });
  }

  /** Removes blobs whose names are no longer in the database. */
  async remove(blobs: readonly string[]): Promise<void> {
    for (const blob of blobs) {
      if (this.#readers.has(blob)) this.#doomed.add(blob);
      else await rm(this.#path(blob), { force: true });
    }
  }

  /** Removes what a killed server left behind: every file that the database does not name. Returns how many. */
  async removeOrphans(isNamed: (blob: string) => boolean): Promise<number> {
    let removed = 0;
    await mkdir(this.#folder, { recursive: true });
    for (const drawer of await readdir(this.#folder)) {
      for (const blob of await readdir(join(this.#folder, drawer))) {
        if (isNamed(blob)) continue;
        await rm(join(this.#folder, drawer, blob), { force: true });
        removed++;
      }
    }
    return removed;
  }

  #path(blob: string): string {
    return join(this.#folder, blob.slice(0, 2), blob);
  }
}
