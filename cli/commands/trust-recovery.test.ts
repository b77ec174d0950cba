import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RuleBook } from '#shared/contract/rules.ts';
import type { SignedDocument } from '#shared/contract/trust.ts';
import { rulesOf, signedRules } from '#shared/repository/author.ts';
import { signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { parseMetadata, type RoleMetadata, sign, textOf, unsigned } from '#shared/repository/metadata.ts';
import { type Published, readPublished } from '#shared/repository/published.ts';
import { MemoryRuleStore } from '#test/kit/memory-rules.ts';
import { openSignedBroker } from '#test/kit/signed-broker.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { at } from '#test/kit/values.ts';
import { changeRules } from '../rules/publish.ts';
import { recoverRules } from './rules-recover.ts';
import { initTrust, newKey, showTrust } from './trust.ts';
import { addAdmin, renewTrust, rotateKey, signTrust } from './trust-keys.ts';

let broker: Awaited<ReturnType<typeof openSignedBroker>>;
beforeEach(async () => {
  broker = await openSignedBroker();
});
afterEach(() => broker.close());

type Machine = ReturnType<typeof broker.machine>;
const bookOf = (title: string): RuleBook => ({
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { title } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {} },
});
const put = (machine: Machine, title: string) =>
  changeRules(machine.context, { yes: true, impact: false }, () => ({ book: bookOf(title), said: [] }));
const refused = (message: RegExp) => ({ name: 'CliError', message: expect.stringMatching(message) });
const published = async (): Promise<Published> => {
  const found = await readPublished((key) => broker.ports.repository.read(key));
  if (found === undefined) throw new Error('there is no repository');
  return found;
};
const titleInForce = async () => {
  const { rules } = await published();
  const [title] = ['a*', 'b*', '*'].filter(
    (one) =>
      JSON.stringify(rules.signed.toJSON().targets) ===
      JSON.stringify(rulesOf(bookOf(one), 1, broker.ports.now()).signed.toJSON().targets),
  );
  return title;
};
const healthy = async (machine: Machine) => {
  machine.printed.stdout = '';
  machine.printed.stderr = '';
  expect([await showTrust(machine.context), machine.printed.stdout]).toEqual([
    0,
    expect.not.stringMatching(/not proved/),
  ]);
};

describe('kbroker trust sign', () => {
  /** A change that lacks Bob's signature, and what is in its file. */
  async function draft() {
    const machine = broker.machine('ada');
    await initTrust(machine.context, { key: ['a.pem', 'b.pem', 'c.pem'].map(broker.path), threshold: '2' });
    await put(machine, 'a*');
    const out = broker.path('change.json');
    await newKey({ io: machine.context.io, json: false }, broker.path('eve.pem'));
    await addAdmin(machine.context, broker.path('eve.pub.pem'), { out });
    const file = JSON.parse(await readFile(out, 'utf8')) as { what: string; documents: SignedDocument[] };
    const replace = (role: SignedDocument['role'], metadata: RoleMetadata) =>
      writeFile(
        out,
        JSON.stringify({
          ...file,
          documents: file.documents.map((one) => (one.role === role ? { role, text: textOf(metadata) } : one)),
        }),
      );
    const of = <R extends SignedDocument['role']>(role: R): RoleMetadata<R> =>
      parseMetadata(role, file.documents.find((one) => one.role === role)?.text ?? '');
    const signIt = (yes = true) => signTrust(machine.context, out, { key: broker.path('b.pem'), yes });
    return { machine, out, file, replace, of, signIt };
  }

  it('shows what the documents do, whatever the file says of itself, and asks', async () => {
    const { machine, out, file, signIt } = await draft();
    await writeFile(out, JSON.stringify({ ...file, what: 'nothing of importance' }));
    await expect(signIt(false)).rejects.toMatchObject(refused(/say --yes/));
    const { io } = machine.context;
    const asking = { ...machine.context, io: { ...io, ask: async () => 'n' } };
    await expect(signTrust(asking, out, { key: broker.path('b.pem') })).rejects.toMatchObject(refused(/was not yes/));
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual({ ...file, what: 'nothing of importance' });
    expect(machine.printed.stderr).toMatch(/administrator added: [0-9a-f]{64}\nthe rules in force are signed again/);
    machine.printed.stdout = '';
    expect(await signIt()).toBe(0);
    expect(machine.printed.stdout).toMatch(/administrator added: .*: published/);
    expect((await published()).root.signed.version).toBe(2);
    await healthy(machine);
  });

  it('does not sign rules that nobody of the administrators wrote', async () => {
    const { of, replace, signIt, out } = await draft();
    await replace('rules', rulesOf(bookOf('*'), 2, broker.ports.now()));
    const before = await readFile(out, 'utf8');
    await expect(signIt()).rejects.toMatchObject(refused(/rules of the change says something else than who may sign/));
    await replace('rules', rulesOf(bookOf('a*'), 7, broker.ports.now()));
    await expect(signIt()).rejects.toMatchObject(refused(/rules are of revision 7, and the next one is 2/));
    expect(of('rules').signed.version).toBe(3);
    expect(before).not.toContain('"b.pem"');
    expect(await titleInForce()).toBe('a*');
  });

  it('does not sign packages, paths, or a time that never ends', async () => {
    const { of, replace, signIt } = await draft();
    const json = of('custom').signed.toJSON();
    const target = { length: 1, hashes: { sha256: '0'.repeat(64) } };
    await replace('custom', unsigned('custom', { ...json, targets: { 'custom/evil.msi': target } }));
    await expect(signIt()).rejects.toMatchObject(refused(/custom of the change says something else/));
    await replace('agent', unsigned('agent', { ...of('agent').signed.toJSON(), expires: '2099-01-01T00:00:00Z' }));
    await expect(signIt()).rejects.toMatchObject(refused(/agent of the change is good until 2099/));
    const targets = structuredClone(of('targets').signed.toJSON()) as unknown as {
      delegations: { roles: { paths: string[] }[] };
    };
    for (const role of targets.delegations.roles) role.paths.push('anything/*');
    await replace('targets', unsigned('targets', targets as unknown as Record<string, unknown>));
    await expect(signIt()).rejects.toMatchObject(refused(/targets of the change says something else/));
  });
});

describe('a broker that stood still', () => {
  it('comes back after the timestamp has ended, and after everything of a year has', async () => {
    const machine = broker.machine('ada');
    await initTrust(machine.context, {});
    await put(machine, 'a*');
    for (const days of [8, 400]) {
      broker.clock.seconds += days * 86_400;
      machine.printed.stderr = '';
      expect(await renewTrust(machine.context, {})).toBe(0);
      expect(machine.printed.stderr).toMatch(/warning: hosts refuse what is published: .*timestamp ended/);
      expect(await put(machine, days === 8 ? 'b*' : 'a*')).toBe(0);
      await healthy(machine);
    }
    broker.clock.seconds += 400 * 86_400;
    const next = throwawaySigner();
    broker.online.publicKey = next.publicKey;
    broker.online.sign = next.sign;
    broker.ports.onlineKey = next.publicKey;
    expect(await rotateKey(machine.context, { online: true })).toBe(0);
    expect(await rotateKey(machine.context, { online: true })).toBe(0);
    await healthy(machine);
  });
});

describe('a revision of the rule store that nobody signed', () => {
  async function intruded(): Promise<Machine> {
    const machine = broker.machine('ada');
    await initTrust(machine.context, {});
    await put(machine, 'a*');
    const signed = await signedRules(bookOf('*'), 2, throwawaySigner(), broker.ports.now());
    await broker.ports.rules.put({ book: bookOf('*'), changedAt: at(1), changedBy: 'thief', signed }, 1);
    return machine;
  }

  it('stops the next change, and is written over by a command of its own, which takes nothing of it', async () => {
    const machine = await intruded();
    await expect(put(machine, 'b*')).rejects.toMatchObject(
      refused(/revision 2, and those that administrators signed last are of revision 1: .* "kbroker rules recover"/),
    );
    await expect(recoverRules(machine.context, {})).rejects.toMatchObject(refused(/say --yes/));
    expect(await recoverRules(machine.context, { yes: true })).toBe(0);
    expect([(await published()).rules.signed.version, await titleInForce()]).toEqual([4, 'a*']);
    expect((await broker.ports.rules.get()).book).toEqual(bookOf('a*'));
    expect(await recoverRules(machine.context, { yes: true })).toBe(0);
    expect(machine.printed.stderr).toMatch(/revision 3, are signed: nothing was written/);
    expect(await put(machine, 'b*')).toBe(0);
    await healthy(machine);
  });

  it('may be an older one that came back from a backup: used numbers are left out', async () => {
    const machine = broker.machine('ada');
    await initTrust(machine.context, {});
    for (const title of ['a*', 'b*', 'a*', 'b*']) await put(machine, title);
    const backup = new MemoryRuleStore();
    for (const [revision, title] of ['a*', 'b*'].entries())
      await backup.put(
        {
          book: bookOf(title),
          changedAt: at(1),
          changedBy: 'ada',
          signed: await broker.ports.rules.signed(revision + 1),
        },
        revision,
      );
    Object.assign(broker.ports.rules, {
      get: () => backup.get(),
      put: (...change: Parameters<MemoryRuleStore['put']>) => backup.put(...change),
      signed: (revision: number) => backup.signed(revision),
    });
    await expect(put(machine, 'a*')).rejects.toMatchObject(refused(/revision 2, .* are of revision 4/));
    expect(await recoverRules(machine.context, { yes: true })).toBe(0);
    expect([(await published()).rules.signed.version, await titleInForce()]).toEqual([6, 'b*']);
    expect(await put(machine, 'a*')).toBe(0);
    await healthy(machine);
  });

  it('does not hold up a change of keys, which signs the rules of before again', async () => {
    const machine = await intruded();
    await newKey({ io: machine.context.io, json: false }, broker.path('eve.pem'));
    expect(await addAdmin(machine.context, broker.path('eve.pub.pem'), {})).toBe(0);
    expect(machine.printed.stderr).toMatch(
      /administrators signed revision 1 last, and revision 2 is stored: the signed one takes its place/,
    );
    expect((await broker.ports.rules.get()).book).toEqual(bookOf('a*'));
    expect(await titleInForce()).toBe('a*');
    await healthy(machine);
  });
});

describe('after the role of the publisher was stolen', () => {
  /** What somebody with the online key can make hosts find. */
  async function forge(role: 'rules' | 'targets' | 'custom', made: RoleMetadata, thief = broker.online): Promise<void> {
    const current = await published();
    await sign(made, thief);
    const online = { signer: broker.online, now: broker.ports.now() };
    const snapshot = await signSnapshot({ ...current, [role]: made }, current.snapshot.signed.version + 1, online);
    const timestamp = await signTimestamp(snapshot, current.timestamp.signed.version + 1, online);
    const { repository } = broker.ports;
    await repository.create({ kind: 'metadata', role, version: made.signed.version }, textOf(made));
    await repository.create({ kind: 'metadata', role: 'snapshot', version: snapshot.signed.version }, textOf(snapshot));
    await repository.moveTimestamp(textOf(timestamp), (await repository.timestamp())?.tag);
  }

  it.each([3, 90, Number.MAX_SAFE_INTEGER])('forged rules of version %i do not stop the next ones', async (version) => {
    const machine = broker.machine('ada');
    await initTrust(machine.context, {});
    await put(machine, 'a*');
    await forge('rules', rulesOf(bookOf('*'), version - 1, broker.ports.now()));
    expect(await showTrust(machine.context)).toBe(1);
    expect(machine.printed.stdout).toMatch(/not proved: rules of version \d+ has 0 of 1 signatures that count/);
    expect(await renewTrust(machine.context, {})).toBe(0);
    expect(await put(machine, 'b*')).toBe(0);
    expect(await titleInForce()).toBe('b*');
    expect(machine.printed.stderr).toMatch(/begins with what administrators signed last: root 1, rules of revision 1/);
  });

  it.each(['targets', 'custom'] as const)('forged %s are replaced by the next change of keys', async (role) => {
    const machine = broker.machine('ada');
    await initTrust(machine.context, {});
    await put(machine, 'a*');
    const before = (await published())[role].signed.toJSON();
    await forge(role, unsigned(role, { ...before, version: 50 }));
    expect(await renewTrust(machine.context, {})).toBe(0);
    expect((await published())[role].signed.version).not.toBe(50);
    expect(await put(machine, 'b*')).toBe(0);
    expect(await titleInForce()).toBe('b*');
  });

  it('an older version that was signed once is not taken for the last one', async () => {
    const machine = broker.machine('ada');
    await initTrust(machine.context, {});
    await put(machine, 'a*');
    const old = (await published()).rules;
    await put(machine, 'b*');
    expect(await showTrust(machine.context)).toBe(0);
    await forge('rules', old);
    expect(await showTrust(machine.context)).toBe(1);
    expect(machine.printed.stdout).toMatch(/rules of version 2 is published, and version 3 was signed after it/);
    expect(await renewTrust(machine.context, {})).toBe(0);
    expect(await titleInForce()).toBe('b*');
  });
});
