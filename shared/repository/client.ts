import type * as z from 'zod/mini';
import type { RepositoryKey } from '../contract/keys.ts';
import type { TrustRole } from '../contract/trust.ts';

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
export interface TrustedTarget {
  readonly length: number;
  readonly sha256: string;
  readonly custom: Readonly<Record<string, unknown>>;
}

/** One whole version of the repository that was proved. */
export interface TrustedVersion {
  /** Versions of the roles that were looked at so far. */
  readonly versions: Readonly<Partial<Record<TrustRole, number>>>;
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
   * Looks for a newer version: two requests when there is none. What is refused changes nothing of what was trusted before.
   *
   * @throws RepositoryError with the role and what is wrong with it; whatever `fetch` throws
   */
  refresh(): Promise<TrustedVersion>;
}
