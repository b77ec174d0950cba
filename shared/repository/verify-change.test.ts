import { describe, expect, it } from 'vitest';
import { emptyBook, SignedRepository, throwawaySigner } from '#test/kit/signed-repository.ts';
import type { RuleBook } from '../contract/rules.ts';
import type { SignedDocument } from '../contract/trust.ts';
import type { Signer } from '../signing/port.ts';
import { addSignature, documentsForKeyholders, type Keyholders, keyholdersOf, signedRules } from './author.ts';
import { parseMetadata, publicKeyOf, sign, textOf, unsigned } from './metadata.ts';
import type { Published } from './published.ts';
import { checkChange, checkRules, keepPublished } from './verify-change.ts';

const now = new Date();
const book: RuleBook = {
  packages: [{ name: 'pilot', priority: 0, rules: [], settings: { defaultAllow: true } }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {} },
};
const keyOf = async (signer: Signer) => publicKeyOf(await signer.publicKey());

async function setting(administrators = 1, threshold = 1) {
  const repository = await SignedRepository.make({ administrators, threshold });
  const onlineKey = await repository.online.publicKey();
  const context = { current: repository.parts, onlineKey, now };
  const first = repository.administrators[0] as Signer;
  const change = (
    next: Partial<Keyholders>,
    signer = first,
    numbers: Pick<Parameters<typeof documentsForKeyholders>[2], 'versions' | 'revision'> = {},
  ) =>
    documentsForKeyholders(
      repository.parts,
      { ...keyholdersOf(repository.parts.root), ...next },
      { signer, book: emptyBook, now, ...numbers },
    );
  return { repository, context, first, change };
}

/** Rules of such a change as the rule store has them. */
const rulesIn = (documents: readonly SignedDocument[], of: RuleBook = emptyBook) => ({
  revision: 1,
  book: of,
  text: documents.find(({ role }) => role === 'rules')?.text ?? '',
});
const refused = (code: string, role: string, message = /./) => ({
  name: 'RepositoryError',
  code,
  role,
  message: expect.stringMatching(message),
});
const caught = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

type Forged = 'targets' | 'rules' | 'custom' | 'agent';
/** What somebody publishes who has the online key alone. */
async function forge(current: Published, role: Forged, online: Signer): Promise<Published> {
  const forged = unsigned(role, { ...current[role].signed.toJSON(), version: 50 });
  await sign(forged, online);
  return { ...current, [role]: forged };
}

describe('signed rules', () => {
  it('are those of the book, of its revision, by an administrator', async () => {
    const { repository, first } = await setting();
    const { targets } = repository.parts;
    const text = await signedRules(book, 3, first, now);
    expect(checkRules({ revision: 3, book, text }, targets, now).signed.version).toBe(4);
    expect(caught(() => checkRules({ revision: 4, book, text }, targets, now))).toMatchObject(
      refused('mixed', 'rules', /version 4, revision 4 of the book is 5/),
    );
    expect(caught(() => checkRules({ revision: 3, book: emptyBook, text }, targets, now))).toMatchObject(
      refused('mixed', 'rules', /another book/),
    );
    const stranger = await signedRules(book, 3, throwawaySigner(), now);
    expect(caught(() => checkRules({ revision: 3, book, text: stranger }, targets, now))).toMatchObject(
      refused('unsigned', 'rules', /0 of 1/),
    );
    const online = await signedRules(book, 3, repository.online, now);
    expect(caught(() => checkRules({ revision: 3, book, text: online }, targets, now))).toMatchObject(
      refused('unsigned', 'rules'),
    );
    const old = await signedRules(book, 3, first, new Date(now.getTime() - 400 * 86_400_000));
    expect(caught(() => checkRules({ revision: 3, book, text: old }, targets, now))).toMatchObject(
      refused('expired', 'rules'),
    );
  });

  it('of more groups than can be signed are refused in words', async () => {
    const { repository, first } = await setting();
    const groups = Object.fromEntries(Array.from({ length: 481 }, (_, n) => [`site-${n}`, ['pilot']]));
    const wide = { ...book, assignments: { groups, hosts: {} } };
    const text = await signedRules(book, 1, first, now);
    expect(caught(() => checkRules({ revision: 1, book: wide, text }, repository.parts.targets, now))).toMatchObject(
      refused('malformed', 'rules', /481 groups, at most 480 can be signed/),
    );
    await expect(signedRules(wide, 1, first, now)).rejects.toThrow(/481 groups, at most 480/);
    const { 'site-480': _, ...most } = groups;
    const full = { ...book, assignments: { groups: most, hosts: {} } };
    const { targets } = parseMetadata('rules', await signedRules(full, 1, first, now)).signed;
    expect(Object.keys(targets)).toHaveLength(481);
  });

  it('are published once they are newer, and never older', async () => {
    const { context, first, repository } = await setting();
    await repository.publish({ book });
    const current = repository.parts;
    const next = { revision: 2, book: emptyBook, text: await signedRules(emptyBook, 2, first, now) };
    expect(checkChange([], next, { ...context, current }).rules.signed.version).toBe(3);
    const same = { revision: 1, book, text: textOf(current.rules) };
    expect(textOf(checkChange([], same, { ...context, current }).rules)).toBe(same.text);
    const older = { revision: 0, book: emptyBook, text: await signedRules(emptyBook, 0, first, now) };
    expect(caught(() => checkChange([], older, { ...context, current }))).toMatchObject(
      refused('rolled-back', 'rules'),
    );
  });
});

describe('other keyholders', () => {
  it('one more administrator: the new root is written first, since it believes what is published', async () => {
    const { context, change, first } = await setting();
    const second = throwawaySigner();
    const documents = await change({ administrators: [await keyOf(first), await keyOf(second)] });
    const checked = checkChange(documents, rulesIn(documents), context);
    expect(checked).toMatchObject({ rootOrder: 'before-timestamp' });
    expect(keyholdersOf(checked.root).administrators).toHaveLength(2);
    // Again, when it is published: nothing changes.
    const current = { ...context.current, ...checked };
    expect(checkChange(documents, rulesIn(documents), { ...context, current }).rootOrder).toBe('unchanged');
  });

  it('an administrator who leaves: the targets of before count no more under the new root', async () => {
    const { context, change } = await setting();
    const second = throwawaySigner();
    const half = await change({ administrators: [await keyOf(second)] });
    expect(caught(() => checkChange(half, rulesIn(half), context))).toMatchObject(
      refused('unsigned', 'root', /0 of 1/),
    );
    const documents = await addSignature(half, second);
    expect(checkChange(documents, rulesIn(documents), context).rootOrder).toBe('after-timestamp');
  });

  it('2 of 3: one signature is not enough, neither before nor after', async () => {
    const { context, change, repository } = await setting(3, 2);
    const [first, second, third] = repository.administrators as [Signer, Signer, Signer];
    const next = { administrators: [await keyOf(second), await keyOf(third)] };
    const one = await change(next, first);
    expect(caught(() => checkChange(one, rulesIn(one), context))).toMatchObject(refused('unsigned', 'root'));
    const two = await addSignature(one, second);
    // Two of the old three, and only one of the new two.
    expect(caught(() => checkChange(two, rulesIn(two), context))).toMatchObject(refused('unsigned', 'root', /1 of 2/));
    const three = await addSignature(two, third);
    // All three signed the targets of before, so that the new root believes them.
    expect(checkChange(three, rulesIn(three), context).rootOrder).toBe('before-timestamp');
  });

  it('another online key: while both count, the root goes first', async () => {
    const { context, change, repository } = await setting();
    const next = throwawaySigner();
    const both = await change({ online: [await keyOf(repository.online), await keyOf(next)] });
    const onlineKey = await next.publicKey();
    expect(checkChange(both, rulesIn(both), { ...context, onlineKey }).rootOrder).toBe('before-timestamp');
    const alone = await change({ online: [await keyOf(next)] });
    expect(caught(() => checkChange(alone, rulesIn(alone), { ...context, onlineKey }))).toMatchObject(
      refused('unsigned', 'root', /one after the other/),
    );
    expect(caught(() => checkChange(alone, rulesIn(alone), context))).toMatchObject(
      refused('malformed', 'root', /this broker signs with/),
    );
  });
});

describe('numbers of a change', () => {
  it('may skip those that are taken, and the rules be of a later revision', async () => {
    const { context, change, first } = await setting();
    const documents = await change({}, first, { versions: { targets: 3, agent: 17 }, revision: 5 });
    const checked = checkChange(documents, { ...rulesIn(documents), revision: 5 }, context);
    const { root, targets, rules, custom, agent } = checked;
    const found = [root, targets, rules, custom, agent].map(({ signed }) => signed.version);
    expect(found).toEqual([2, 3, 6, 2, 17]);
  });

  it('never go back, nor so far ahead that none would be left', async () => {
    const { context, change, first } = await setting();
    for (const role of ['targets', 'custom', 'agent'] as const) {
      const of = (version: number) => change({}, first, { versions: { [role]: version } });
      // The number in force, under other bytes.
      const same = await change({}, first, { versions: { [role]: 1 } });
      expect(caught(() => checkChange(same, rulesIn(same), context))).toMatchObject(refused('rolled-back', role));
      const last = await of(1_000_002);
      expect(checkChange(last, rulesIn(last), context)[role].signed.version).toBe(1_000_002);
      const far = await of(1_000_003);
      expect(caught(() => checkChange(far, rulesIn(far), context))).toMatchObject(refused('conflict', role));
    }
  });
});

describe('what somebody published who may not sign it', () => {
  it.each(['targets', 'custom', 'agent'] as const)('%s: the change goes on from its own number', async (role) => {
    const { context, change, repository } = await setting();
    const current = await forge(repository.parts, role, repository.online);
    const again = await change({});
    expect(checkChange(again, rulesIn(again), { ...context, current })[role].signed.version).toBe(2);
    // No host believes what is published: another online key needs no way to it.
    const next = throwawaySigner();
    const both = await change({ online: [await keyOf(repository.online), await keyOf(next)] });
    const online = { ...context, current, onlineKey: await next.publicKey() };
    expect(checkChange(both, rulesIn(both), online).rootOrder).toBe('before-timestamp');
  });
});

describe('a change that died between root and targets', () => {
  /** The new root beside the old rest, as `before-timestamp` leaves it. */
  async function torn(next?: Partial<Keyholders>) {
    const { context, change, first, repository } = await setting();
    const documents = await change(next ?? { administrators: [await keyOf(first), await keyOf(throwawaySigner())] });
    const root = parseMetadata('root', documents[0]?.text ?? '');
    return { context, repository, current: { ...context.current, root } };
  }

  it('leaves what no change goes on from by itself, and hosts believe: it is kept as it is', async () => {
    const { context, current } = await torn();
    expect(caught(() => checkChange([], undefined, { ...context, current }))).toMatchObject(
      refused('malformed', 'targets', /layout .* for the keys of root 2/),
    );
    const kept = keepPublished(current, context.onlineKey);
    expect(kept.rootOrder).toBe('unchanged');
    for (const role of ['root', 'targets', 'rules', 'custom', 'agent'] as const) expect(kept[role]).toBe(current[role]);
  });

  it('is not kept where hosts would believe nothing that is signed on', async () => {
    const { context, current, repository } = await torn();
    const stranger = await throwawaySigner().publicKey();
    expect(caught(() => keepPublished(current, stranger))).toMatchObject(
      refused('malformed', 'root', /this broker signs with/),
    );
    for (const role of ['targets', 'rules', 'custom', 'agent'] as const) {
      const forged = await forge(current, role, repository.online);
      expect(caught(() => keepPublished(forged, context.onlineKey))).toMatchObject(refused('unsigned', role));
    }
    const gone = await torn({ administrators: [await keyOf(throwawaySigner())] });
    expect(caught(() => keepPublished(gone.current, gone.context.onlineKey))).toMatchObject(
      refused('unsigned', 'root'),
    );
  });
});

describe('a change is refused', () => {
  it('of another version than the next', async () => {
    const { context, change, first } = await setting();
    const documents = await change({});
    const root = parseMetadata('root', documents[0]?.text ?? '');
    for (const [version, code] of [
      [1, 'rolled-back'],
      [3, 'conflict'],
    ] as const) {
      const other = unsigned('root', { ...root.signed.toJSON(), version });
      await sign(other, first);
      const changed = [{ role: 'root' as const, text: textOf(other) }, ...documents.slice(1)];
      expect(caught(() => checkChange(changed, rulesIn(documents), context))).toMatchObject(refused(code, 'root'));
    }
  });

  it('with a role or a path that this broker does not make', async () => {
    const { context, change, first } = await setting();
    const documents = await change({});
    const targets = parseMetadata('targets', documents[1]?.text ?? '');
    const json = targets.signed.toJSON() as { delegations: { roles: { name: string; paths: string[] }[] } };
    const wider = unsigned('targets', {
      ...json,
      delegations: {
        ...json.delegations,
        roles: json.delegations.roles.map((role) =>
          role.name === 'feed' ? { ...role, paths: [...role.paths, 'rules/groups/*'] } : role,
        ),
      },
    });
    await sign(wider, first);
    const changed = documents.map((one) => (one.role === 'targets' ? { ...one, text: textOf(wider) } : one));
    expect(caught(() => checkChange(changed, rulesIn(documents), context))).toMatchObject(
      refused('malformed', 'targets', /layout/),
    );
  });

  it('that leaves rules behind which nobody of the new keyholders signed', async () => {
    const { context, change } = await setting();
    const second = throwawaySigner();
    const documents = await addSignature(await change({ administrators: [await keyOf(second)] }), second);
    expect(caught(() => checkChange(documents, undefined, context))).toMatchObject(refused('unsigned', 'rules'));
  });

  it('of a first version that is not whole', async () => {
    const { context, repository } = await setting();
    const root = { role: 'root' as const, text: textOf(repository.parts.root) };
    expect(caught(() => checkChange([root], undefined, { ...context, current: undefined }))).toMatchObject(
      refused('not-found', 'targets'),
    );
  });
});
