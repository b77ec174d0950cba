import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { AgentError } from '../../ports/agent-error.ts';
import type { Expected, FileStore, Origin, PartFile, Slot } from '../../ports/file-store.ts';
import { Digests } from './digests.ts';
import { flushFolder, freeBytes, isFull, isMissing, onDisk, readIfThere, removeIfThere, writeWhole } from './disk.ts';

/** What is remembered of the answer that a partial file comes from. Older agents had one source only. */
const note = z.object({ etag: z.string(), source: z._default(z.string(), 'repository') });

const folders = { index: 'index', payload: 'payloads', package: 'packages' } as const satisfies Record<
  Slot['kind'],
  string
>;

/** Names of whole and partial files. */
const patterns: Readonly<Record<Slot['kind'], RegExp>> = {
  index: /^([0-9a-f]{64})\.cab(\.part)?$/,
  payload: /^([0-9a-f]{40})(\.part)?$/,
  package: /^([0-9a-f]{64})(\.part)?$/,
};

function nameOf(slot: Slot): string {
  if (slot.kind === 'payload') return slot.sha1;
  return slot.kind === 'index' ? `${slot.sha256}.cab` : slot.sha256;
}

/**
 * Big files in a folder: `index/<sha256>.cab`, `payloads/<sha1>`, `packages/<sha256>`, and beside each while it is being downloaded
 * `<name>.part` and `<name>.part.json`.
 */
export function openFileStore(folder: string): FileStore {
  const folderOf = (kind: Slot['kind']): string => join(folder, folders[kind]);
  const pathOf = (slot: Slot): string => join(folderOf(slot.kind), nameOf(slot));
  return {
    pathOf,
    openPart: (slot) => openPart(pathOf(slot)),
    has: (slot) =>
      onDisk(`cannot look at ${pathOf(slot)}`, () => sizeOf(pathOf(slot)).then((size) => size !== undefined)),
    verify: (slot, expected) =>
      onDisk(`cannot read ${pathOf(slot)}`, async () => {
        if ((await sizeOf(pathOf(slot))) !== expected.bytes) return false;
        const digests = new Digests();
        await digests.readFile(pathOf(slot));
        return digests.mismatch(expected) === undefined;
      }),
    read: (slot, onChunk) =>
      onDisk(`cannot read ${pathOf(slot)}`, async () => {
        for await (const chunk of createReadStream(pathOf(slot), { highWaterMark: 1 << 20 })) onChunk(chunk);
      }),
    remove: (slot) =>
      onDisk(`cannot remove ${pathOf(slot)}`, async () => {
        for (const path of [pathOf(slot), `${pathOf(slot)}.part`, `${pathOf(slot)}.part.json`])
          await removeIfThere(path);
      }),
    list: (kind) =>
      onDisk(`cannot list ${folderOf(kind)}`, async () => {
        const pattern = patterns[kind];
        const found = new Map<string, { whole: boolean; bytes: number }>();
        for (const name of await namesIn(folderOf(kind))) {
          const match = pattern.exec(name);
          const digest = match?.[1];
          if (digest === undefined) continue;
          const whole = match?.[2] === undefined;
          const bytes = (await sizeOf(join(folderOf(kind), name))) ?? 0;
          const before = found.get(digest);
          if (whole || before === undefined) found.set(digest, { whole, bytes });
        }
        return [...found].map(([digest, what]) => ({
          slot: kind === 'payload' ? { kind, sha1: digest } : { kind, sha256: digest },
          ...what,
        }));
      }),
    freeBytes: () => onDisk(`cannot ask for the room below ${folder}`, () => freeBytes(folder)),
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function openPart(path: string): Promise<PartFile> {
  const partPath = `${path}.part`;
  const opening = async (): Promise<PartFile> => {
    await mkdir(dirname(path), { recursive: true });
    const origin = await readNote(`${partPath}.json`);
    // Without the ETag of their answer the bytes cannot be continued, so they are dropped.
    const digests = new Digests();
    if (origin !== undefined && (await sizeOf(partPath)) !== undefined) await digests.readFile(partPath);
    const handle = await open(partPath, digests.bytes > 0 ? 'r+' : 'w');
    return new DiskPart(path, handle, digests, origin);
  };
  return onDisk(`cannot open ${partPath}`, opening, path);
}

async function readNote(path: string): Promise<Origin | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return z.parse(note, JSON.parse(text));
  } catch {
    // A damaged note means the same as none: the download starts again.
    return undefined;
  }
}

/** Bytes. */
const givenBackBytes = 1024 * 1024;

class DiskPart implements PartFile {
  origin: Origin | undefined;
  private readonly path: string;
  private readonly digests: Digests;
  private handle: FileHandle | undefined;

  constructor(path: string, handle: FileHandle, digests: Digests, origin: Origin | undefined) {
    this.path = path;
    this.handle = handle;
    this.digests = digests;
    this.origin = origin;
  }

  get bytes(): number {
    return this.digests.bytes;
  }

  private act<T>(action: (handle: FileHandle) => Promise<T>): Promise<T> {
    return onDisk(
      `cannot write ${this.path}.part`,
      () => {
        if (this.handle === undefined) throw new AgentError('disk', `${this.path}.part is closed`);
        return action(this.handle);
      },
      this.path,
    );
  }

  restart(origin: Origin | undefined): Promise<void> {
    return this.act(async (handle) => {
      // Bytes first: a crash in between leaves no bytes under an ETag that is not theirs.
      await handle.truncate(0);
      this.digests.reset();
      await this.noteOrigin(origin);
    });
  }

  goOn(origin: Origin | undefined): Promise<void> {
    return this.act(() => this.noteOrigin(origin));
  }

  private async noteOrigin(origin: Origin | undefined): Promise<void> {
    this.origin = origin;
    const path = `${this.path}.part.json`;
    if (origin === undefined) await removeIfThere(path);
    else await writeWhole(path, JSON.stringify(origin));
  }

  append(chunk: Uint8Array): Promise<void> {
    return this.act(async (handle) => {
      let written = 0;
      try {
        while (written < chunk.byteLength) {
          const position = this.digests.bytes + written;
          written += (await handle.write(chunk, written, chunk.byteLength - written, position)).bytesWritten;
        }
      } catch (error) {
        if (isFull(error)) await this.giveBack(handle);
        throw error;
      }
      this.digests.update(chunk);
    });
  }

  /** Lets go of a file that filled the disk, and of as much of it as the journal needs to say so. The rest can be resumed. */
  private async giveBack(handle: FileHandle): Promise<void> {
    await handle.truncate(Math.max(0, this.digests.bytes - givenBackBytes));
    await this.close();
  }

  commit(expected: Expected): Promise<void> {
    return this.act(async (handle) => {
      const mismatch = this.digests.mismatch(expected);
      if (mismatch !== undefined) throw new AgentError('damaged', mismatch);
      await handle.sync();
      await this.close();
      await rename(`${this.path}.part`, this.path);
      await flushFolder(dirname(this.path));
      await removeIfThere(`${this.path}.part.json`);
    });
  }

  async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    if (handle !== undefined) await onDisk(`cannot close ${this.path}.part`, () => handle.close());
  }
}
