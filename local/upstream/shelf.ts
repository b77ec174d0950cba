import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { indexCab } from './cabs/index-cab.ts';
import type { Resource } from './http/answer.ts';
import { iisEtag } from './http/etag.ts';
import { patchTuesday } from './invent/calendar.ts';
import { payloadBytes } from './invent/payload.ts';
import { type DigestMemo, inventPublication, licenceText } from './invent/publication.ts';
import { firstMonth } from './invent/world.ts';
import { takeRealFile } from './real-file.ts';
import { signCabFile } from './signing/cab.ts';
import type { IndexSigner } from './signing/identity.ts';
import { readState, type ServedPayload, type UpstreamState, writeState } from './state.ts';
import type { Publication } from './types.ts';
import { UpstreamError } from './upstream-error.ts';

/** Path of the index on Microsoft's hosts. */
export const indexPath = '/microsoftupdate/v6/wsusscan/wsusscn2.cab';

/** What lies ready to be served: the current index and every payload file of past publications. Survives a restart. */
export interface Shelf {
  readonly seed: number;
  readonly ports: UpstreamState['ports'];
  current(): Publication | undefined;
  /** Name of the file that is out; undefined when the index is invented. */
  publishedFile(): string | undefined;
  publishNext(): Promise<Publication>;
  publishFile(path: string): Promise<Publication>;
  find(path: string): Resource | undefined;
  keepPorts(ports: { readonly http: number; readonly https: number }): Promise<void>;
}

/**
 * @param signer signs every index that is invented; files that are published keep the signature that they have
 * @throws UpstreamError `bad-state` when the folder was made with another seed or is damaged.
 */
export async function openShelf(dataDir: string, seed: number | undefined, signer: IndexSigner): Promise<Shelf> {
  await mkdir(dataDir, { recursive: true });
  const stateFile = join(dataDir, 'state.json');
  const stored = await readState(stateFile);
  if (stored && seed !== undefined && stored.seed !== seed) {
    throw new UpstreamError(
      'bad-state',
      `${dataDir} was begun with seed ${stored.seed} and cannot go on with seed ${seed}; use --fresh or another folder`,
    );
  }
  let state: UpstreamState = stored ?? { version: 1, seed: seed ?? 1, payloads: [] };
  let byPath = new Map(state.payloads.map((payload) => [payload.path, payload]));
  const memo: DigestMemo = new Map(
    state.payloads.flatMap(({ source }) => ('label' in source ? [[source.label, source]] : [])),
  );
  let turn: Promise<unknown> = Promise.resolve();

  /** One change at a time, in the order of asking. */
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const mine = turn.then(change);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const save = async (next: UpstreamState): Promise<void> => {
    await writeState(stateFile, next);
    state = next;
    byPath = new Map(next.payloads.map((payload) => [payload.path, payload]));
  };
  const current = (): Publication | undefined => {
    if (!state.current) return undefined;
    const { indexFile: _, publishedFile: __, ...publication } = state.current;
    return publication;
  };

  /** The files first, the state that names them last. */
  const put = async (
    indexFile: string,
    changed: Date,
    payloads: readonly ServedPayload[],
    more: { readonly month?: number; readonly publishedFile?: string },
  ): Promise<Publication> => {
    const { publishedFile, ...rest } = more;
    const before = state.current;
    const lastModified = laterThan(changed, before?.lastModified);
    const publication = {
      number: (before?.number ?? 0) + 1,
      indexSha256: await sha256Of(indexFile),
      indexBytes: (await stat(indexFile)).size,
      etag: iisEtag(lastModified),
      lastModified: lastModified.toISOString(),
    };
    const all = new Map(byPath);
    for (const payload of payloads) all.set(payload.path, payload);
    const stored = {
      ...publication,
      indexFile: relative(dataDir, indexFile),
      ...(publishedFile === undefined ? {} : { publishedFile }),
    };
    await save({ ...state, ...rest, current: stored, payloads: [...all.values()] });
    return publication;
  };

  return {
    seed: state.seed,
    get ports() {
      return state.ports;
    },
    current,
    publishedFile: () => state.current?.publishedFile,
    publishNext: () =>
      inTurn(async () => {
        const month = state.month === undefined ? firstMonth : state.month + 1;
        const publication = inventPublication(state.seed, month, memo);
        // Inventing and packing are synchronous; servers in this process get a turn in between.
        await setImmediate();
        const cab = indexCab(publication, { licence: licenceText(state.seed) });
        const indexFile = join(await folderOf((state.current?.number ?? 0) + 1), 'index.cab');
        await writeFile(indexFile, cab);
        await signCabFile(indexFile, signer.signAt(new Date()));
        const payloads = publication.files.map(
          ({ url, size, modified, label, sha1, sha256 }): ServedPayload => ({
            path: new URL(url).pathname,
            size,
            modified,
            source: { label, sha1, sha256 },
          }),
        );
        return put(indexFile, patchTuesday(month, 14, 36, 24), payloads, { month });
      }),
    publishFile: (path) =>
      inTurn(async () => {
        const folder = await folderOf((state.current?.number ?? 0) + 1);
        const taken = await takeRealFile(path, folder);
        const known = current();
        if (known && (await sha256Of(taken.indexFile)) === known.indexSha256) {
          await rm(folder, { recursive: true });
          return known;
        }
        const changed = new Date(Math.floor(Date.now() / 1000) * 1000);
        const payloads = taken.payloads.map(
          ({ url, file, size }): ServedPayload => ({
            path: new URL(url).pathname,
            size,
            modified: changed.toISOString(),
            source: { file: relative(dataDir, file) },
          }),
        );
        return put(taken.indexFile, changed, payloads, { publishedFile: basename(path) });
      }),
    find(path) {
      if (path === indexPath)
        return state.current && indexResource(join(dataDir, state.current.indexFile), state.current);
      const payload = byPath.get(path);
      return payload && payloadResource(dataDir, state.seed, payload);
    },
    keepPorts: (ports) => inTurn(() => save({ ...state, ports })),
  };

  async function folderOf(number: number): Promise<string> {
    const folder = join(dataDir, 'publications', String(number));
    // What a crash may have left of this number.
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return folder;
  }
}

/** In whole seconds, as HTTP dates are, and after the publication before, so that the two have other entity tags. */
function laterThan(changed: Date, before: string | undefined): Date {
  return before === undefined || changed > new Date(before) ? changed : new Date(Date.parse(before) + 1000);
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

const readFileRange = (file: string, from: number, to: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array> =>
  from === to ? [] : createReadStream(file, { start: from, end: to - 1 });

const indexResource = (file: string, publication: Publication): Resource => ({
  size: publication.indexBytes,
  etag: publication.etag,
  lastModified: new Date(publication.lastModified),
  contentType: 'application/octet-stream',
  read: (from, to) => readFileRange(file, from, to),
});

function payloadResource(dataDir: string, seed: number, { size, modified, source }: ServedPayload): Resource {
  const lastModified = new Date(modified);
  return {
    size,
    etag: iisEtag(lastModified),
    lastModified,
    contentType: 'application/octet-stream',
    read: (from, to) =>
      'label' in source
        ? payloadBytes(seed, source.label, from, to)
        : readFileRange(join(dataDir, source.file), from, to),
  };
}
