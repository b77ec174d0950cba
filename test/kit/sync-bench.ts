import type { ServerResponse } from 'node:http';
import { defaultLimits, type SyncLimits, type SyncPorts } from '#functions/sync-index/ports.ts';
import { syncIndex } from '#functions/sync-index/sync-index.ts';
import { parseRoots } from '#shared/authenticode/index.ts';
import type { SyncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { MemoryEventSink } from './memory-events.ts';
import { MemoryIndexStore, MemorySyncJournal } from './memory-index.ts';
import { MemoryPublishQueue } from './memory-repository.ts';
import { MemoryCatalogStore } from './memory-stores.ts';
import { type Origin, serveRanges, startOrigin } from './origin.ts';
import { packIndex } from './pack-slice.ts';
import { signedCab, testRootPem } from './signed-index.ts';
import { sound } from './sound-index.ts';
import { at } from './values.ts';

export const indexUrl = 'http://download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab';

/** Two publications of one file: the second names another address for it. */
export const first = signedCab(packIndex(sound));
export const moved = { ...sound, packageXml: sound.packageXml.replace('/c/a.cab', '/d/a.cab') };
export const second = signedCab(packIndex(moved));
/** Readable, and without FileLocations: nothing in it can be fetched. */
export const withoutLocations = signedCab(
  packIndex({
    ...sound,
    packageXml: sound.packageXml.replace(/<FileLocations>.*<\/FileLocations>/, '<FileLocations></FileLocations>'),
  }),
);

/**
 * The use case of sync-index on stores in memory, against a real origin on loopback. Its clock ticks a second with each
 * look at it.
 */
export class SyncBench {
  readonly index = new MemoryIndexStore();
  readonly catalog = new MemoryCatalogStore();
  readonly events = new MemoryEventSink();
  readonly publisher = new MemoryPublishQueue();
  readonly journal = new MemorySyncJournal();
  /** Invocations that runs started, not yet run. */
  readonly goneOn: SyncIndexEvent[] = [];
  readonly origin: Origin;
  limits: SyncLimits = defaultLimits;
  /** Of the clock, into its day. */
  seconds = 0;
  /** When the next invocation ends, by the clock. */
  endsAt = 20 * 3600;
  readonly #stop = new AbortController();
  #copies = 0;

  private constructor(origin: Origin) {
    this.origin = origin;
  }

  static async start(): Promise<SyncBench> {
    return new SyncBench(await startOrigin());
  }

  close(): Promise<void> {
    this.#stop.abort();
    return this.origin.close();
  }

  /** What the origin offers from now on, in ranges or whole. */
  publish(bytes: Uint8Array, etag: string): void {
    this.origin.answer = serveRanges(bytes, etag);
  }

  /** Offers it too, but answers requests for certain parts (from 0) in the test's own way. */
  except(bytes: Uint8Array, etag: string, hits: (part: number) => boolean, own: (response: ServerResponse) => void) {
    const serve = serveRanges(bytes, etag);
    this.origin.answer = (request, response) => {
      const part = this.#partOf(request.headers.range);
      if (request.headers['if-match'] !== undefined && part !== undefined && hits(part)) own(response);
      else serve(request, response);
    };
  }

  /** Parts that were asked for since the last call, from 0; the first one also comes with the news of the index. */
  partsAsked(): readonly number[] {
    const asked = this.origin.seen.splice(0).map(({ headers }) => this.#partOf(headers.range));
    return asked.filter((part) => part !== undefined).sort((a, b) => a - b);
  }

  #partOf(range: string | undefined): number | undefined {
    const from = /^bytes=(\d+)-/.exec(range ?? '')?.[1];
    return from === undefined ? undefined : Number(from) / this.limits.partBytes;
  }

  ports(more: Partial<SyncPorts> = {}): SyncPorts {
    const timing = { now: Date.now, random: Math.random, sleep: async () => {} };
    return {
      upstream: createUpstream({ dispatcher: this.origin.agent, timing }),
      index: this.index,
      catalog: this.catalog,
      journal: this.journal,
      events: this.events,
      publisher: this.publisher,
      goOn: async (event) => {
        this.goneOn.push(event);
      },
      indexUrl,
      trust: { roots: parseRoots(testRootPem), allowSha1: false },
      maxShrinkPercent: 20,
      now: () => {
        this.seconds += 1;
        return new Date(at(this.seconds));
      },
      sleep: async () => {},
      newCopyId: () => {
        this.#copies += 1;
        return `copy-${this.#copies}`;
      },
      limits: this.limits,
      ...more,
    };
  }

  /** One invocation. */
  invoke(event: SyncIndexEvent = {}, more: Partial<SyncPorts> = {}, signal: AbortSignal = this.#stop.signal) {
    return syncIndex(this.ports(more), event, { signal, deadlineAt: new Date(at(this.endsAt)) });
  }

  /** One invocation by the schedule. @returns how it ended */
  async sync(more: Partial<SyncPorts> = {}) {
    return (await this.invoke({}, more)).result;
  }

  /** Everything the stores hold, to see whether a run changed any of it. */
  async everything() {
    const { index, catalog, journal } = this;
    return structuredClone({
      staged: [...index.staged],
      stored: [...index.stored],
      refused: [...index.refused],
      uploads: [...index.uploads],
      pointer: index.pointer,
      facts: [...catalog.facts],
      units: [...catalog.units],
      snapshots: [...catalog.snapshots],
      refusal: await journal.refusal(),
      copy: await journal.copy(),
      unfinished: await journal.unfinished(),
      runs: [...journal.runs],
    });
  }
}

export const unavailable = (response: ServerResponse): void => {
  response.writeHead(503).end();
};

/** A store with some methods of the test's own. */
export function altered<T extends object>(store: T, methods: Partial<T>): T {
  return new Proxy(store, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A store whose method fails once, after or instead of doing its work: as if the process died there. */
export function dying<T extends object>(store: T, method: keyof T & string, when: 'before' | 'after'): T {
  let died = false;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== method || died) return value.bind(target);
      return async (...args: unknown[]) => {
        died = true;
        if (when === 'after') await value.apply(target, args);
        throw new Error(`died at ${method}`);
      };
    },
  });
}
