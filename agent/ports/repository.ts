import type { RepositoryKey } from '#shared/contract/keys.ts';

/** Where to go on with a download; the server answers with the rest only when the object is still the same. */
export interface Resume {
  /** First byte wanted. */
  readonly from: number;
  /**
   * Strong ETag of the answer that the bytes before it came from. @default whatever the server has: the bytes before it came
   * from another server, and the whole is proved by its digests
   */
  readonly etag?: string;
}

/** A body that begins to arrive. */
export interface BodyAnswer {
  /** Offset of the first byte of `body`: 0, or what was asked to resume from. */
  readonly from: number;
  /** Length of the whole object, when the server says it. Bytes. */
  readonly totalBytes?: number;
  /** Strong ETag; absent when the server gave none or a weak one. */
  readonly etag?: string;
  /**
   * The bytes, as they arrive. A broken or silent connection throws AgentError (`cut`, `timeout`). Leaving the loop
   * early closes the connection.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the answer without reading the body. */
  discard(): Promise<void>;
}

/**
 * The repository behind its CDN. Every call throws AgentError: `not-found` when there is no such object, `refused` when
 * the cookies have ended or there is no such object, `stopped` when the signal ends it. The signal also ends the body.
 */
export interface Repository {
  open(key: RepositoryKey, resume?: Resume, signal?: AbortSignal): Promise<BodyAnswer>;
}
