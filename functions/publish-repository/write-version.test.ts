import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import { type Keyholders, keyholdersOf } from '#shared/repository/author.ts';
import type { Signer } from '#shared/signing/port.ts';
import type { RepositoryStore } from '#shared/stores/repository/port.ts';
import {
  bookWith,
  feedMessage,
  hour,
  keyOf,
  type PublisherBench,
  publisherBench,
  rulesMessage,
} from '#test/kit/publisher.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { publishRepository } from './publish-repository.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-publish-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One run that is killed once it has written so many files. @returns whether it was */
async function runKilledAfter(
  writes: number,
  { ports }: PublisherBench,
  message: PublishRepositoryMessage,
): Promise<boolean> {
  const { repository } = ports;
  const killed = new Error('killed');
  let left = writes;
  const spend = (): void => {
    left -= 1;
    if (left < 0) throw killed;
  };
  const dying: RepositoryStore = {
    read: (key) => repository.read(key),
    timestamp: () => repository.timestamp(),
    create: async (...file) => {
      spend();
      return repository.create(...file);
    },
    moveTimestamp: async (...file) => {
      spend();
      return repository.moveTimestamp(...file);
    },
  };
  try {
    await publishRepository({ ...ports, repository: dying }, message);
    return false;
  } catch (error) {
    if (error !== killed) throw error;
    return true;
  }
}

describe('a change of rules that died at any write', () => {
  it('is made up for, and hosts always see a whole version', async () => {
    for (let writes = 0; ; writes += 1) {
      const of = publisherBench(join(folder, `${writes}`));
      await of.initialize();
      await of.putRules(bookWith('a*'));
      const died = await runKilledAfter(writes, of, rulesMessage);
      expect([undefined, 'a*']).toContain(await of.titles('before'));
      await of.putRules(bookWith('b*'));
      expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
      expect(await of.titles('after')).toBe('b*');
      if (died) continue;
      expect(writes).toBeGreaterThan(4);
      return;
    }
  });
});

describe('a first version that died at any write', () => {
  it('is finished by the same message, and is not there before', async () => {
    for (let writes = 0; ; writes += 1) {
      const of = publisherBench(join(folder, `${writes}`));
      const message = of.messageOf(await of.documents());
      const died = await runKilledAfter(writes, of, message);
      if (died) {
        expect(await of.publish(feedMessage)).toEqual({ outcome: 'uninitialized' });
        expect(await of.publish(message)).toMatchObject({ outcome: 'published', version: 1 });
      }
      expect(await of.titles()).toBeUndefined();
      if (died) continue;
      expect(writes).toBeGreaterThan(7);
      return;
    }
  });
});

/** A change of keyholders: who they are from then on, and who signs it. */
interface KeyChange {
  readonly next: Partial<Keyholders>;
  readonly signers: readonly Signer[];
  /** The administrator who signs rules after it. */
  readonly last: Signer;
}

const oneMore = async ({ administrator }: PublisherBench): Promise<KeyChange> => {
  const second = throwawaySigner();
  return {
    next: { administrators: [await keyOf(administrator), await keyOf(second)] },
    signers: [administrator],
    last: second,
  };
};
const another = async ({ administrator }: PublisherBench): Promise<KeyChange> => {
  const second = throwawaySigner();
  return { next: { administrators: [await keyOf(second)] }, signers: [administrator, second], last: second };
};
const onlineToo = async ({ administrator, ports }: PublisherBench): Promise<KeyChange> => {
  const before = await keyOf(ports.signer);
  const { publicKey, sign: signs } = throwawaySigner();
  ports.signer = { publicKey, sign: signs };
  return { next: { online: [before, await keyOf(ports.signer)] }, signers: [administrator], last: administrator };
};

describe.each([
  ['one more administrator: the root goes before the timestamp', oneMore],
  ['another administrator: the root goes after it', another],
  ['a second online key: the publisher signs with it from then on', onlineToo],
])('a change of keys that died at any write (%s)', (_, changeOf) => {
  /** Tells what follows, once for each write that the run may die before, and once for a run that did not. */
  async function atEachWrite(
    follows: (of: PublisherBench, message: PublishRepositoryMessage, change: KeyChange, died: boolean) => Promise<void>,
  ): Promise<void> {
    for (let writes = 0; ; writes += 1) {
      const of = publisherBench(join(folder, `${writes}`));
      await of.initialize();
      await of.titles('old');
      const change = await changeOf(of);
      const message = await of.keyChange(change.next, change.signers);
      const died = await runKilledAfter(writes, of, message);
      await bothSee(of, undefined);
      await follows(of, message, change, died);
      if (died) continue;
      expect(writes).toBeGreaterThan(7);
      return;
    }
  }

  /** A host of before, and one that begins with the first root. */
  async function bothSee(of: PublisherBench, title: string | undefined): Promise<void> {
    expect(await of.titles('old')).toBe(title);
    expect(await of.titles('new')).toBe(title);
  }

  /** The keyholders are those of the change, all of them, and their rules reach hosts. */
  async function isDone(of: PublisherBench, { next, last }: KeyChange): Promise<void> {
    expect(keyholdersOf((await of.current()).root)).toMatchObject(next);
    await bothSee(of, undefined);
    await of.putRules(bookWith('c*'), last);
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    await bothSee(of, 'c*');
  }

  it('is finished by the same message', async () => {
    await atEachWrite(async (of, message, change, died) => {
      expect(await of.publish(message)).toMatchObject({ outcome: died ? 'published' : 'unchanged' });
      await isDone(of, change);
    });
  });

  it('does not keep the timestamp from being signed anew, and can be finished later', async () => {
    let torn = 0;
    await atEachWrite(async (of, message, change) => {
      await of.publish(feedMessage);
      await bothSee(of, undefined);
      const { root, targets, timestamp } = await of.current();
      // What died between root and targets: the alarm rings until it is finished.
      const isTorn = root.signed.version !== targets.signed.version;
      if (isTorn) torn += 1;
      const { keyId } = await keyOf(of.ports.signer);
      const maySign = keyholdersOf(root).online.some((key) => key.keyId === keyId);
      const { version } = timestamp.signed;
      of.clock.now += 24 * hour;
      expect(await of.publish(rulesMessage)).toMatchObject(
        maySign
          ? { outcome: isTorn ? 'refused' : 'published', version: version + 1, ageSeconds: 0 }
          : { outcome: 'refused', version, ageSeconds: 24 * 3600 },
      );
      await bothSee(of, undefined);
      // A feed that the key may not sign yet stays as it is.
      of.clock.now += 7 * 24 * hour;
      const later = await of.publish(feedMessage);
      expect(later).toMatchObject(maySign ? { version: version + 2, ageSeconds: 0 } : { version });
      if (isTorn) expect(later.reason).toMatch(/layout/);
      await bothSee(of, undefined);
      await of.publish(message);
      await isDone(of, change);
    });
    expect(torn).toBeGreaterThan(0);
  });

  it('leaves numbers that are taken, and another change is signed with the next free ones', async () => {
    await atEachWrite(async (of, _message, change) => {
      const { repository, rules } = of.ports;
      const versions = { targets: 2, custom: 2, agent: 2 };
      for (const role of ['targets', 'custom', 'agent'] as const)
        while ((await repository.read({ kind: 'metadata', role, version: versions[role] })) !== undefined)
          versions[role] += 1;
      const revision = (await rules.get()).revision + 1;
      of.clock.now += hour;
      expect(await of.change(change.next, change.signers, { versions, revision })).toMatchObject({
        outcome: 'published',
      });
      await isDone(of, change);
    });
  });
});

describe('a number that is taken', () => {
  it('by a change that died is named; rules and timestamp go on meanwhile', async () => {
    const of = publisherBench(folder);
    await of.initialize();
    const { next, signers } = await oneMore(of);
    // Dies before its root, with targets written.
    expect(await runKilledAfter(4, of, await of.keyChange(next, signers))).toBe(true);
    expect((await of.current()).root.signed.version).toBe(1);
    of.clock.now += 24 * hour;
    const revision = (await of.ports.rules.get()).revision + 1;
    expect(await of.change(next, signers, { revision })).toMatchObject({
      outcome: 'refused',
      version: 2,
      ageSeconds: 0,
      reason: expect.stringMatching(/targets of version 2 is there already, with other bytes: sign the next one/),
    });
    const { root, rules } = await of.current();
    expect([root.signed.version, rules.signed.version]).toEqual([1, 3]);
    expect(await of.titles()).toBeUndefined();
  });

  it('is that of rules: the timestamp goes on meanwhile', async () => {
    const of = publisherBench(folder);
    await of.initialize();
    await of.ports.repository.create({ kind: 'metadata', role: 'rules', version: 2 }, 'other bytes');
    await of.putRules(bookWith('a*'));
    of.clock.now += 24 * hour;
    expect(await of.publish(rulesMessage)).toMatchObject({
      outcome: 'refused',
      version: 2,
      ageSeconds: 0,
      reason: expect.stringMatching(/rules of version 2 is there already/),
    });
    expect(await of.titles()).toBeUndefined();
  });
});
