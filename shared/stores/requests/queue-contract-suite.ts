import { describe, expect, it } from 'vitest';
import { sha1 } from '#test/kit/values.ts';
import type { FetchQueue } from './port.ts';

export interface FetchQueueUnderTest {
  readonly queue: FetchQueue;
  /** Bodies of all messages on the queue, parsed. */
  messages(): Promise<unknown[]>;
}

/** What every FetchQueue does. `make` gives an empty one that refuses nothing. */
export function fetchQueueContract(name: string, make: () => Promise<FetchQueueUnderTest>): void {
  describe(`${name} sends messages`, () => {
    it.each([0, 1, 10, 11, 25])('all %i of them, and says so', async (count) => {
      const { queue, messages } = await make();
      const sha1s = Array.from({ length: count }, (_, n) => sha1(`file ${n}`));
      const taken = await queue.send(sha1s.map((digest) => ({ version: 1, sha1: digest })));
      expect([...taken].sort()).toEqual([...sha1s].sort());
      const sent = (await messages()) as { sha1: string }[];
      expect(sent.map((message) => message.sha1).sort()).toEqual([...sha1s].sort());
      for (const message of sent) expect(message).toEqual({ version: 1, sha1: expect.any(String) });
    });
  });
}
