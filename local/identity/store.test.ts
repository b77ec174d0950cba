import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type IdentityStore, openIdentityStore } from './store.ts';

let folder: string;
let store: IdentityStore;
let now: number;
const open = (): IdentityStore => openIdentityStore(join(folder, 'identity.sqlite'), () => now);
beforeEach(async () => {
  now = 1_000_000;
  folder = await mkdtemp(join(tmpdir(), 'kbroker-store-'));
  store = open();
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

it('what was kept is found by each of its names, in its own kind, and after a restart', async () => {
  await store.adapter('Session').upsert('a', { uid: 'u', accountId: 'ann' }, 60);
  await store.adapter('DeviceCode').upsert('a', { userCode: 'c' });
  store.close();
  store = open();
  expect(await store.adapter('Session').find('a')).toEqual({ uid: 'u', accountId: 'ann' });
  expect(await store.adapter('Session').findByUid('u')).toMatchObject({ accountId: 'ann' });
  expect(await store.adapter('DeviceCode').findByUserCode('c')).toEqual({ userCode: 'c' });
  expect(await store.adapter('Grant').find('a')).toBeUndefined();
});

it('what is kept again takes the place of what was', async () => {
  const sessions = store.adapter('Session');
  await sessions.upsert('a', { uid: 'u', accountId: 'ann' });
  await sessions.upsert('a', { uid: 'v', accountId: 'bob' });
  expect(await sessions.find('a')).toMatchObject({ accountId: 'bob' });
  expect(await sessions.findByUid('u')).toBeUndefined();
});

it('what has ended is not found, and gone at the next start', async () => {
  const codes = store.adapter('AuthorizationCode');
  await codes.upsert('a', { accountId: 'ann' }, 60);
  now += 60_000;
  expect(await codes.find('a')).toBeUndefined();
  store.close();
  store = open();
  now = 0;
  expect(await store.adapter('AuthorizationCode').find('a')).toBeUndefined();
});

it('a code that was used says when', async () => {
  const codes = store.adapter('AuthorizationCode');
  await codes.upsert('a', { accountId: 'ann' });
  await codes.consume('a');
  expect(await codes.find('a')).toEqual({ accountId: 'ann', consumed: 1000 });
});

it('one is destroyed, or all that were made under a grant', async () => {
  const [codes, tokens] = [store.adapter('AuthorizationCode'), store.adapter('RefreshToken')];
  await codes.upsert('a', { grantId: 'g' });
  await tokens.upsert('b', { grantId: 'g' });
  await tokens.upsert('c', { grantId: 'h' });
  await tokens.upsert('d', { grantId: 'h' });
  await tokens.destroy('d');
  await tokens.revokeByGrantId('g');
  expect(await codes.find('a')).toBeUndefined();
  expect(await tokens.find('b')).toBeUndefined();
  expect(await tokens.find('c')).toEqual({ grantId: 'h' });
  expect(await tokens.find('d')).toBeUndefined();
});
