import { describe, expect, it } from 'vitest';
import { allow, forbid, hold, pack, servicingStack, testCases } from '#test/kit/rules/cases.ts';
import { isServicingStack } from './servicing-stack.ts';

const kb1 = { kbs: ['5000001'] };
const byId = { updates: ['0000000a-0000-4000-8000-000000000000'] };
const windows10 = { products: ['Windows 10, version 1903 and later'] };
const critical = { severities: ['Critical'] as const };
const year = { expiresAt: '2027-01-01T00:00:00Z' };

it.each([
  ['2026-01 Servicing Stack Update for Windows Server 2016 for x64-based Systems (KB5000003)', true],
  ['Servicing stack update for Windows 8.1 (KB3173424)', true],
  ['2026-01 Cumulative Update for Windows 11 (KB5000001)', false],
  ['Nonservicing Stack Update', false],
  [undefined, false],
])('%s: %s', (title, expected) => {
  expect(isServicingStack({ title })).toBe(expected);
});

describe('servicing stack updates', () => {
  const allowed = 'allowed as a servicing stack update: other updates need it, and no rule forbids it by id';
  const stack = servicingStack;
  testCases([
    { name: 'are allowed without any rule', packages: [], update: stack, code: 'servicing-stack', reason: allowed },
    {
      name: 'are allowed against a forbid by KB, product or severity, and a hold by id',
      packages: [pack('a', { rules: [forbid(kb1), forbid(windows10), forbid(critical), hold(byId)] })],
      update: stack,
      code: 'servicing-stack',
      reason: allowed,
    },
    {
      name: 'are not delayed',
      packages: [pack('a', { rules: [allow(kb1)], settings: { installDelaySeconds: 365 * 24 * 3600 } })],
      update: stack,
      code: 'servicing-stack',
      reason: allowed,
    },
    {
      name: 'are forbidden by id',
      packages: [pack('a', { rules: [forbid(critical), forbid(byId)] })],
      update: stack,
      code: 'forbidden',
      reason: 'forbidden by rule 2 of "a": update 0000000a-0000-4000-8000-000000000000',
      by: 'a 2',
    },
    {
      name: 'are not forbidden by the id of another revision',
      packages: [pack('a', { rules: [forbid({ updates: ['0000000a-0000-4000-8000-000000000000_201'] })] })],
      update: stack,
      code: 'servicing-stack',
      reason: allowed,
    },
    {
      name: 'are forbidden by id until that expires',
      packages: [pack('a', { rules: [forbid({ ...byId, ...critical }, year)] })],
      update: stack,
      code: 'forbidden',
      reason:
        'forbidden until 2027-01-01T00:00:00.000Z by rule 1 of "a": update 0000000a-0000-4000-8000-000000000000, severity Critical',
      by: 'a 1',
      until: '2027-01-01T00:00:00.000Z',
    },
    {
      name: "are forbidden by WAPT's list of ids",
      packages: [pack('a', { wapt: { forbiddenUpdates: ['0000000a-0000-4000-8000-000000000000_200'] } })],
      update: stack,
      code: 'forbidden',
      reason: 'forbidden by wapt.forbiddenUpdates of "a": update 0000000a-0000-4000-8000-000000000000_200',
      by: 'a wapt',
    },
    {
      name: "are allowed against WAPT's list of KBs",
      packages: [pack('a', { wapt: { forbiddenKbs: ['5000001'] } })],
      update: stack,
      code: 'servicing-stack',
      reason: allowed,
    },
  ]);
});
