import { Readable } from 'node:stream';
import { type TargetFile, Updater } from 'tuf-js';
import { RepositoryError } from '../repository-error.ts';
import { MetadataFetcher } from './fetcher.ts';
import { openFolder } from './folder.ts';
import { refusal } from './refusal.ts';

/** A TUF repository of any layout, for suites that put this client to the test. */
export interface AnyRepositoryOptions {
  /** Folder of trusted metadata, `root.json` in it. */
  readonly folder: string;
  /** Brings a file of metadata by its name, such as `2.root.json`; `undefined` when there is none. Throws for a longer one. */
  readonly fetchMetadata: (name: string, maxBytes: number) => Promise<Uint8Array | undefined>;
}

/** How to bring a target, and where to. */
export interface DownloadOptions {
  /** The same as fetchMetadata, by the path below the repository of targets. */
  readonly fetchTarget: (path: string, maxBytes: number) => Promise<Uint8Array | undefined>;
  /** Folder of files that were proved. */
  readonly folder: string;
}

/** Any name is an address for tuf-js; only what stands behind it is read. */
const base = 'https://repository.invalid/';

/**
 * The client of client.ts without what belongs to our own repository: pinning by digest, our roles, our bounds.
 *
 * `refresh` and `download` throw RepositoryError, or whatever the fetches throw.
 */
export function openAnyRepository({ folder, fetchMetadata }: AnyRepositoryOptions) {
  const fetcher = new MetadataFetcher(base, fetchMetadata);
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      throw fetcher.failure ?? refusal(error, fetcher.asked);
    }
  };
  const refreshed = (): Promise<Updater> =>
    asking(async () => {
      const updater = new Updater({ metadataDir: folder, metadataBaseUrl: base, fetcher });
      await updater.refresh();
      return updater;
    });
  return {
    /** Begins with this root, whatever is in it. */
    init: (root: Uint8Array): Promise<void> => openFolder(folder).write('root.json', root),

    async refresh(): Promise<void> {
      await refreshed();
    },

    /** @returns false when the file was there already */
    async download(path: string, { fetchTarget, folder: targets }: DownloadOptions): Promise<boolean> {
      const updater = await refreshed();
      const target = await asking(() => updater.getTargetInfo(path));
      if (target === undefined) throw new RepositoryError('not-found', undefined, `no role names the target ${path}`);
      const kept = openFolder(targets);
      const name = encodeURIComponent(path);
      const before = await kept.read(name);
      if (before !== undefined && (await isGood(target, before))) return false;
      const bytes = await fetchTarget(addressOf(target, path), target.length);
      if (bytes === undefined) throw new RepositoryError('not-found', undefined, `the target ${path} is not there`);
      if (!(await isGood(target, bytes)))
        throw new RepositoryError('mixed', undefined, `${path} is not what its digest and length say`);
      await kept.write(name, bytes);
      return true;
    },
  };
}

/** With consistent snapshots the digest stands before the last part of the path. */
function addressOf({ hashes }: TargetFile, path: string): string {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  return [...parts, `${Object.values(hashes)[0]}.${name}`].join('/');
}

async function isGood(target: TargetFile, bytes: Uint8Array): Promise<boolean> {
  try {
    await target.verify(Readable.from(Buffer.from(bytes), { objectMode: false }));
    return true;
  } catch {
    return false;
  }
}
