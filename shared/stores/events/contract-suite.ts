import { describe, expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import type { EventSink, LostEvent } from './port.ts';

/** A sink with eyes on both of its ends. */
export interface WatchedSink {
  readonly sink: EventSink;
  readonly lost: readonly LostEvent[];
  /** What subscribers would have got, the oldest first. */
  received(): Promise<readonly { readonly type: string; readonly detail: unknown }[]>;
  /** From now on nothing gets through. */
  break(): Promise<void>;
}

/** What every EventSink does. `make` gives one that nobody published to. */
export function eventSinkContract(name: string, make: () => Promise<WatchedSink>): void {
  describe(`${name} tells of events`, () => {
    const published = { version: 1, sha256: 'a'.repeat(64), updates: 3, files: 5, publishedAt: at(1) } as const;
    const cached = { version: 1, sha1: 'b'.repeat(40), sha256: 'c'.repeat(64), size: 7 } as const;

    it('in their order, each with its type', async () => {
      const { sink, lost, received } = await make();
      await sink.publish('IndexPublished', published);
      await sink.publish('FileCached', cached);
      await sink.publish('FileCached', { ...cached, name: 'Windows.cab' });
      expect(lost).toEqual([]);
      expect(await received()).toEqual([
        { type: 'IndexPublished', detail: published },
        { type: 'FileCached', detail: cached },
        { type: 'FileCached', detail: { ...cached, name: 'Windows.cab' } },
      ]);
    });

    it('but of none that has another shape than the contract says', async () => {
      const { sink, lost, received } = await make();
      await sink.publish('FileCached', { ...cached, size: -1 });
      expect(lost).toMatchObject([{ type: 'FileCached', detail: { size: -1 } }]);
      expect(await received()).toEqual([]);
    });

    it('and throws nothing when they cannot be sent', async () => {
      const watched = await make();
      await watched.break();
      await watched.sink.publish('FileCached', cached);
      expect(watched.lost).toMatchObject([{ type: 'FileCached', detail: cached, error: expect.any(Error) }]);
    });
  });
}
