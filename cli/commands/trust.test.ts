import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { splitToken } from '#shared/contract/agent/enrolment.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { signedRules } from '#shared/repository/author.ts';
import { publicKeyOf } from '#shared/repository/metadata.ts';
import { openKeyFile } from '#shared/signing/key-file.ts';
import { openSignedBroker } from '#test/kit/signed-broker.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { at, tokenOf } from '#test/kit/values.ts';
import { changeRules } from '../rules/publish.ts';
import { moveHost } from './hosts-move.ts';
import { createToken } from './tokens.ts';
import { initTrust, newKey, pinRoot, showTrust } from './trust.ts';
import { addAdmin, removeAdmin, renewTrust, rotateKey, signTrust } from './trust-keys.ts';

let broker: Awaited<ReturnType<typeof openSignedBroker>>;
beforeEach(async () => {
  broker = await openSignedBroker();
});
afterEach(() => broker.close());

const bookOf = (title: string): RuleBook => ({
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { title } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {} },
});
const silently = { yes: true, impact: false };
const put = (machine: ReturnType<typeof broker.machine>, title: string, key?: string) =>
  changeRules(machine.context, { ...silently, ...(key !== undefined && { key }) }, () => ({
    book: bookOf(title),
    said: [],
  }));
const rolesNow = async () =>
  new Map((await broker.api.getTrust(call)).repository?.roles.map((role) => [role.role, role]));
const call = {
  path: {},
  query: {},
  request: undefined,
  caller: { subject: '', name: '', role: 'viewer' },
  from: { address: '' },
  requestId: '',
} as const;
const refused = (message: RegExp) => ({ name: 'CliError', message: expect.stringMatching(message) });

describe('kbroker trust init', () => {
  it('is one command: it makes a key, signs the rules in force, publishes, and pins the root', async () => {
    const ada = broker.machine('ada');
    await put(ada, 'a*');
    expect(await initTrust(ada.context, {})).toBe(0);
    expect((await stat(broker.path('ada.trust/administrator.pem'))).mode & 0o777).toBe(0o600);
    const pin = await ada.context.trust.read();
    expect(pin).toEqual({
      version: 1,
      rootSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      key: broker.path('ada.trust/administrator.pem'),
    });
    expect(ada.printed.stdout).toContain(pin?.rootSha256);
    expect((await rolesNow()).get('rules')?.version).toBe(2);
    expect(await showTrust(ada.context)).toBe(0);
    expect(ada.printed.stdout).toMatch(/timestamp +1 .*\n.*pinned root/s);
    await expect(initTrust(broker.machine('bob').context, {})).rejects.toMatchObject(refused(/a repository already/));
  });

  it('takes several keys, some of which must sign', async () => {
    const ada = broker.machine('ada');
    const key = ['a.pem', 'b.pem', 'c.pem'].map(broker.path);
    expect(await initTrust(ada.context, { key, threshold: '2' })).toBe(0);
    expect((await rolesNow()).get('root')).toMatchObject({
      threshold: 2,
      keys: expect.objectContaining({ length: 3 }),
    });
    for (const threshold of ['0', '4', 'x', ''])
      await expect(initTrust(ada.context, { key, threshold })).rejects.toMatchObject(refused(/allowed is 1 to 3/));
  });
});

describe('signed rules', () => {
  it('are signed with the key of init, and follow on what was signed', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    expect(await put(ada, 'a*')).toBe(0);
    expect(await put(ada, 'b*')).toBe(0);
    expect((await rolesNow()).get('rules')).toMatchObject({ version: 3, signedBy: [expect.any(String)] });
    expect(await moveHostIn(ada, 'pc-1')).toMatchObject({ moved: { 'pc-1': 'lab' }, groups: { pilots: ['pilot'] } });
    expect(await put(ada, 'b*')).toBe(0);
  });

  it('are not made from what somebody wrote into the table', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    await put(ada, 'a*');
    // Somebody with the rights of the API, and no key of an administrator.
    const signed = await signedRules(bookOf('*'), 2, throwawaySigner(), broker.ports.now());
    await broker.ports.rules.put({ book: bookOf('*'), changedAt: at(1), changedBy: 'thief', signed }, 1);
    await expect(put(ada, 'b*')).rejects.toMatchObject(
      refused(/revision 2, and those that administrators signed last are of revision 1/),
    );
  });

  it('need a key that counts', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    await newKey({ io: ada.context.io, json: false }, broker.path('other.pem'));
    await expect(put(ada, 'a*', broker.path('other.pem'))).rejects.toMatchObject(refused(/0 of 1/));
    await expect(put(ada, 'a*', broker.path('none.pem'))).rejects.toMatchObject(refused(/cannot read the key/));
    await expect(put(broker.machine('bob'), 'a*')).rejects.toMatchObject(refused(/forbidden: signed: missing/));
  });
});

describe('keys', () => {
  it('of another administrator: made on her machine, added here, and she signs alone', async () => {
    const ada = broker.machine('ada');
    const eve = broker.machine('eve');
    await initTrust(ada.context, {});
    await newKey({ io: eve.context.io, json: false }, broker.path('eve.pem'));
    expect(await readFile(broker.path('eve.pub.pem'), 'utf8')).toContain('PUBLIC KEY');
    expect(await addAdmin(ada.context, broker.path('eve.pub.pem'), {})).toBe(0);
    expect((await rolesNow()).get('root')).toMatchObject({ version: 2, threshold: 1 });
    const { rootSha256 } = (await ada.context.trust.read()) ?? { rootSha256: '' };
    await expect(pinRoot(eve.context, 'ff'.repeat(32), {})).rejects.toMatchObject(
      refused(/no root with the SHA-256 ff/),
    );
    expect(await eve.context.trust.read()).toBeUndefined();
    expect(await pinRoot(eve.context, rootSha256, { key: broker.path('eve.pem') })).toBe(0);
    expect(await put(eve, 'e*')).toBe(0);
    expect(await put(ada, 'a*')).toBe(0);
  });

  it('2 of 3: a change waits in a file until the second has signed it', async () => {
    const ada = broker.machine('ada');
    const key = ['a.pem', 'b.pem', 'c.pem'].map(broker.path);
    await initTrust(ada.context, { key, threshold: '2' });
    const out = broker.path('change.json');
    expect(await renewTrust(ada.context, { out })).toBe(0);
    expect(ada.printed.stdout).toMatch(/not published yet, root of version 2 has 1 of 2 signatures/);
    expect((await rolesNow()).get('root')?.version).toBe(1);
    expect(await signTrust(ada.context, out, { key: broker.path('c.pem'), yes: true })).toBe(0);
    expect((await rolesNow()).get('root')).toMatchObject({
      version: 2,
      signedBy: expect.objectContaining({ length: 2 }),
    });
    await expect(signTrust(ada.context, out, { key: broker.path('b.pem'), yes: true })).rejects.toMatchObject(
      refused(/root|version/),
    );
    await writeFile(out, '{"version":1}');
    await expect(signTrust(ada.context, out, { yes: true })).rejects.toMatchObject(refused(/holds no change/));
  });

  it('that leaked: another takes its place, and what it signs counts no more', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    await put(ada, 'a*');
    await newKey({ io: ada.context.io, json: false }, broker.path('new.pem'));
    const out = broker.path('change.json');
    expect(await rotateKey(ada.context, { to: broker.path('new.pub.pem'), out })).toBe(0);
    expect((await rolesNow()).get('root')?.version).toBe(1);
    expect(await signTrust(ada.context, out, { key: broker.path('new.pem'), yes: true })).toBe(0);
    expect((await rolesNow()).get('root')?.version).toBe(2);
    await expect(put(ada, 'b*')).rejects.toMatchObject(refused(/0 of 1/));
    expect(await put(ada, 'b*', broker.path('new.pem'))).toBe(0);
  });

  it('are removed by the beginning of their ids, but for the last one', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, { key: ['a.pem', 'b.pem'].map(broker.path) });
    const id = async (name: string) => publicKeyOf(await (await openKeyFile(broker.path(name))).publicKey()).keyId;
    await expect(removeAdmin(ada.context, 'zz', {})).rejects.toMatchObject(refused(/no single key/));
    expect(await removeAdmin(ada.context, (await id('b.pem')).slice(0, 12), {})).toBe(0);
    expect((await rolesNow()).get('root')?.keys).toEqual([await id('a.pem')]);
    await expect(removeAdmin(ada.context, await id('a.pem'), {})).rejects.toMatchObject(refused(/last administrator/));
  });

  it('online: named beside the one before, which a second run drops', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    await expect(rotateKey(ada.context, { online: true })).rejects.toMatchObject(refused(/signed already/));
    const next = throwawaySigner();
    // A deployment with another key.
    broker.online.publicKey = next.publicKey;
    broker.online.sign = next.sign;
    broker.ports.onlineKey = next.publicKey;
    expect(await rotateKey(ada.context, { online: true })).toBe(0);
    expect((await rolesNow()).get('timestamp')?.keys).toHaveLength(2);
    expect(await rotateKey(ada.context, { online: true })).toBe(0);
    expect((await rolesNow()).get('timestamp')?.keys).toEqual([publicKeyOf(await next.publicKey()).keyId]);
    await expect(rotateKey(ada.context, {})).rejects.toMatchObject(refused(/which key/));
  });
});

describe('what was signed', () => {
  it('is said to end soon, and to have ended', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    broker.clock.seconds += 340 * 86_400;
    expect(await showTrust(ada.context)).toBe(1);
    expect(ada.printed.stdout).toMatch(/rules ends in 2\d days: "kbroker trust renew"/);
    expect(ada.printed.stdout).toMatch(/timestamp has ended/);
  });
});

describe('kbroker tokens create', () => {
  it('puts the pinned root and the group into the token, whatever the broker answers', async () => {
    const ada = broker.machine('ada');
    await initTrust(ada.context, {});
    const { rootSha256 } = (await ada.context.trust.read()) ?? { rootSha256: '' };
    await createToken(ada.context, { group: 'lab_1', uses: '1', expires: '1d' });
    const [line = ''] = ada.printed.stdout.split('\n').filter((text) => text.startsWith('kbt1_'));
    expect(splitToken(line)).toMatchObject({ rootSha256, group: 'lab_1' });
    const lying = {
      ...ada.context,
      call: (async () => ({
        version: 1,
        token: `kbt1_${tokenOf(1).tokenId}_${'s'.repeat(43)}_${'0'.repeat(64)}_other`,
        view: tokenOf(1),
      })) as unknown as typeof ada.context.call,
    };
    ada.printed.stdout = '';
    await createToken(lying, { group: 'lab_1', uses: '1', expires: '1d' });
    expect(splitToken(ada.printed.stdout.split('\n')[0] ?? '')).toMatchObject({ rootSha256, group: 'lab_1' });
  });
});

async function moveHostIn(machine: ReturnType<typeof broker.machine>, host: string) {
  await broker.enrol(host);
  broker.setFleet();
  await moveHost(machine.context, host, { to: 'lab', ...silently });
  return (await broker.ports.rules.get()).book.assignments;
}
