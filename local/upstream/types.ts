import type { AddressBook } from '../types.ts';

/** What the fake Microsoft offers now. */
export interface Publication {
  /** 1 for the first month. */
  readonly number: number;
  readonly indexSha256: string;
  readonly indexBytes: number;
  readonly etag: string;
  readonly lastModified: string;
}

/** A fault on demand. It applies to requests that match, `times` times (default: until removed). */
export interface Fault {
  /** Path of the request (what the URL has after the host). */
  readonly path: RegExp;
  /** Name that the request is for. @default any */
  readonly host?: string;
  readonly kind:
    | { readonly type: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
    /** 302 to that address. */
    | { readonly type: 'redirect'; readonly location: string }
    /** The connection ends before an answer. */
    | { readonly type: 'no-answer' }
    /** The connection breaks after so many body bytes. */
    | { readonly type: 'cut'; readonly afterBytes: number }
    | { readonly type: 'slow'; readonly bytesPerSecond: number }
    /** Same length, other bytes. */
    | { readonly type: 'wrong-bytes' }
    /** Every answer to a ranged request has another ETag. */
    | { readonly type: 'changing-etag' };
  readonly times?: number;
}

/** Counted since the start of this process. */
export interface UpstreamCounters {
  /** GETs of the index answered with a body (200 or 206). */
  readonly indexDownloads: number;
  /** GETs of the index answered with 304. */
  readonly indexNotModified: number;
  /** GETs of payload files (with or without a range), whatever the answer. */
  readonly payloadGets: number;
  readonly payloadBytes: number;
  /** Payload GETs by path. */
  readonly byPath: Readonly<Record<string, number>>;
  /** Payload GETs by the host that they are for, whatever the answer. */
  readonly byHost: Readonly<Record<string, number>>;
  /** Most payload GETs that were answered at the same time. */
  readonly mostAtOnce: number;
}

/** Microsoft's hosts, played by a server on loopback that answers under their real names by HTTP and HTTPS. */
export interface FakeMicrosoft {
  readonly addresses: Required<AddressBook>;
  /** Publishes the next month (the first one on an empty data folder). */
  publishNext(): Promise<Publication>;
  /** Publishes a real file: a wsusscn2.cab, or an .msu whose WSUSSCAN.cab becomes the index and whose payload is served. */
  publishFile(path: string): Promise<Publication>;
  /**
   * Serves a file of zeros that no index names, for sizes that nobody wants to invent and keep. Until the end of this process.
   *
   * @param path what the URL has after the host
   * @param bytes its length
   */
  serveZeros(path: string, bytes: number): void;
  current(): Publication | undefined;
  counters(): UpstreamCounters;
  /** Switches a fault on; the result switches it off. */
  addFault(fault: Fault): () => void;
  close(): Promise<void>;
}
