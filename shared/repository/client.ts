import { Updater } from 'tuf-js';
import * as z from 'zod/mini';
import { canonicalJson } from '../contract/canonical-json.ts';
import { buildKey, parseKey, type RepositoryKey } from '../contract/keys.ts';
import type { TrustRole } from '../contract/trust.ts';
import { MetadataFetcher } from './client/fetcher.ts';
import { type ClientFolder, openFolder } from './client/folder.ts';
import { refusal, roleOfFile, withRole } from './client/refusal.ts';
import { parseMetadata, type RoleMetadata, sha256Of } from './metadata.ts';
import { RepositoryError } from './repository-error.ts';
import { maxBytesOf } from './roles.ts';

/** Where a client keeps what it trusts, what it begins with, and how files come to it. */
export interface TrustedRepositoryOptions {
  /** Folder of trusted metadata and documents; made when it is missing. Nobody else may write to it. */
  readonly folder: string;
  /** SHA-256 of the root that everything begins with. */
  readonly rootSha256: string;
  /**
   * Brings one file; `undefined` when the repository has none. What it throws is thrown on as it is.
   *
   * @param maxBytes a longer file must be given up, with RepositoryError `too-long`
   */
  readonly fetch: (key: RepositoryKey, maxBytes: number) => Promise<Uint8Array | undefined>;
}

/** A target as trusted metadata names it. */
interface TrustedTarget {
  readonly length: number;
  readonly sha256: string;
  readonly custom: Readonly<Record<string, unknown>>;
}

/** Roles that targets belong to. */
type TargetRole = Exclude<TrustRole, 'root' | 'targets' | 'snapshot' | 'timestamp'>;

/** One whole version of the repository that was proved. */
export interface TrustedVersion {
  /** Metadata of a role; it costs a request when it was not looked at before. @throws RepositoryError */
  metadata<R extends TrustRole>(role: R): Promise<RoleMetadata<R>>;
  /** @returns `undefined` when no role names it. @throws RepositoryError */
  target(path: string): Promise<TrustedTarget | undefined>;
  /**
   * A document that is a target, proved and parsed; it costs no request when it is inside the metadata or was read before.
   *
   * @returns `undefined` when no role names it. @throws RepositoryError
   */
  document<S extends z.ZodMiniType>(path: string, schema: S): Promise<z.output<S> | undefined>;
}

/** The signed repository through the eyes of somebody who pinned its root. */
export interface TrustedRepository {
  /**
   * Looks for a newer version: two requests when there is none. A role that is refused is not kept. Those that were proved
   * before it are: tuf-js keeps each as soon as it is proved, root, timestamp, snapshot and targets here, rules, feed and the
   * like when they are asked for. So a version whose rules are refused takes the place of the one before, which this client
   * does not go back to: who goes on with what was trusted keeps it himself.
   *
   * @throws RepositoryError with the role and what is wrong with it; whatever `fetch` throws
   */
  refresh(): Promise<TrustedVersion>;
}

/** tuf-js wants addresses; only what stands behind this one is read. */
const base = 'https://repository.invalid/';

/** Names of files in the folder. tuf-js keeps the metadata beside them. */
const files = { pinned: 'pinned-root.json', root: 'root.json' } as const;

/** Where the document of a path is kept: one for each path, so that nothing gathers. */
const documentFile = (path: string): string => `documents/${path.replaceAll('/', '__')}`;

/**
 * A client on tuf-js that begins with a root by its digest, and again whenever the folder was begun with another one or its
 * root is damaged. Not for two at a time on one folder.
 */
export function openTrustedRepository(options: TrustedRepositoryOptions): TrustedRepository {
  const { fetch } = options;
  const folder = openFolder(options.folder);
  return {
    async refresh() {
      await begin(folder, options);
      const fetcher = new MetadataFetcher(base, async (name, maxBytes) => {
        const key = parseKey(`metadata/${name}`);
        // A name that a repository of ours cannot have is not there.
        return key && fetch(key, Math.min(maxBytes, maxBytesOf[roleOfFile(name) ?? 'root']));
      });
      const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
        fetcher.asked = undefined;
        fetcher.failure = undefined;
        try {
          return await ask();
        } catch (error) {
          if (fetcher.failure !== undefined) throw withRole(fetcher.failure, fetcher.asked);
          throw refusal(error, fetcher.asked);
        }
      };
      const updater = await openUpdater(folder, options, fetcher);
      await asking(() => updater.refresh());
      return new Version(folder, updater, asking, fetch);
    },
  };
}

/** Makes sure that the folder has a root, and that it was begun with the pinned one. */
async function begin(folder: ClientFolder, { rootSha256, fetch }: TrustedRepositoryOptions): Promise<void> {
  const pinned = await folder.read(files.pinned);
  if (pinned !== undefined && sha256Of(pinned) === rootSha256) {
    // A crash may have come between the two files.
    if ((await folder.read(files.root)) === undefined) await folder.write(files.root, pinned);
    return;
  }
  const root = await fetch({ kind: 'pinned-root', sha256: rootSha256 }, maxBytesOf.root);
  if (root === undefined)
    throw new RepositoryError('not-pinned', 'root', `the repository has no root with the SHA-256 ${rootSha256}`);
  const got = sha256Of(root);
  if (got !== rootSha256)
    throw new RepositoryError('not-pinned', 'root', `root has the SHA-256 ${got}, and ${rootSha256} is the pinned one`);
  await folder.empty();
  await folder.write(files.pinned, root);
  await folder.write(files.root, root);
}

async function openUpdater(
  folder: ClientFolder,
  options: TrustedRepositoryOptions,
  fetcher: MetadataFetcher,
): Promise<Updater> {
  const open = (): Updater =>
    new Updater({
      metadataDir: folder.path,
      metadataBaseUrl: base,
      fetcher,
      config: {
        rootMaxLength: maxBytesOf.root,
        timestampMaxLength: maxBytesOf.timestamp,
        snapshotMaxLength: maxBytesOf.snapshot,
        targetsMaxLength: maxBytesOf.rules,
      },
    });
  try {
    return open();
  } catch {
    // tuf-js does not write its root whole: what a crash left of it is replaced by what everything began with.
    const pinned = await folder.read(files.pinned);
    if (pinned === undefined || sha256Of(pinned) !== options.rootSha256)
      throw new RepositoryError('not-pinned', 'root', 'neither the root nor the pinned one can be read');
    await folder.write(files.root, pinned);
  }
  try {
    return open();
  } catch (error) {
    throw refusal(error, 'root.json');
  }
}

class Version implements TrustedVersion {
  private readonly folder: ClientFolder;
  private readonly updater: Updater;
  private readonly asking: <T>(ask: () => Promise<T>) => Promise<T>;
  private readonly fetch: TrustedRepositoryOptions['fetch'];

  constructor(
    folder: ClientFolder,
    updater: Updater,
    asking: Version['asking'],
    fetch: TrustedRepositoryOptions['fetch'],
  ) {
    this.folder = folder;
    this.updater = updater;
    this.asking = asking;
    this.fetch = fetch;
  }

  async metadata<R extends TrustRole>(role: R): Promise<RoleMetadata<R>> {
    // Asking for a path of a delegated role is what makes tuf-js look at it.
    if (isTargetRole(role))
      await this.asking(() => this.updater.getTargetInfo(`${role === 'feed' ? 'index' : role}/-`));
    const text = await this.folder.read(`${role}.json`);
    if (text === undefined) throw new RepositoryError('not-found', role, `${role} is not in the repository`);
    return parseMetadata(role, text.toString());
  }

  async target(path: string): Promise<TrustedTarget | undefined> {
    const found = await this.asking(() => this.updater.getTargetInfo(path));
    if (found === undefined) return undefined;
    const sha256 = z.safeParse(z.string().check(z.regex(/^[0-9a-f]{64}$/)), found.hashes.sha256);
    if (!sha256.success)
      throw new RepositoryError('malformed', roleOfPath(path), `${path} has no SHA-256 in the metadata`);
    return { length: found.length, sha256: sha256.data, custom: found.custom };
  }

  async document<S extends z.ZodMiniType>(path: string, schema: S): Promise<z.output<S> | undefined> {
    const target = await this.target(path);
    if (target === undefined) return undefined;
    const text = await this.textOf(path, target);
    const parsed = z.safeParse(schema, jsonOf(text));
    if (parsed.success) return parsed.data;
    const why = z.prettifyError(parsed.error);
    throw new RepositoryError('malformed', roleOfPath(path), `${path} is not of the agreed shape: ${why}`);
  }

  private async textOf(path: string, { length, sha256, custom }: TrustedTarget): Promise<string> {
    if (custom.document !== undefined) {
      const text = canonicalJson(custom.document);
      if (sha256Of(text) === sha256) return text;
      throw new RepositoryError('mixed', roleOfPath(path), `${path} inside the metadata is not what its digest says`);
    }
    const kept = await this.folder.read(documentFile(path));
    if (kept !== undefined && sha256Of(kept) === sha256) return kept.toString();
    const key: RepositoryKey = { kind: 'target', path, sha256 };
    const bytes = await this.fetch(key, length);
    if (bytes === undefined)
      throw new RepositoryError('not-found', roleOfPath(path), `${buildKey(key)} is not in the repository`);
    if (bytes.byteLength !== length || sha256Of(bytes) !== sha256)
      throw new RepositoryError('mixed', roleOfPath(path), `${path} is not what its digest and length say`);
    await this.folder.write(documentFile(path), bytes);
    return Buffer.from(bytes).toString();
  }
}

const isTargetRole = (role: TrustRole): role is TargetRole =>
  role !== 'root' && role !== 'targets' && role !== 'snapshot' && role !== 'timestamp';

/** Role of a target's path: the first part, but for what the feed holds. */
function roleOfPath(path: string): TrustRole | undefined {
  const [first = ''] = path.split('/');
  return first === 'index' || first === 'catalog' ? 'feed' : roleOfFile(`${first}.json`);
}

/** `undefined` for a text that is not JSON: no schema takes it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
