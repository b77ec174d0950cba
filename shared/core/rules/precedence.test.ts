import { describe } from 'vitest';
import { allow, forbid, hold, pack, testCases } from '#test/kit/rules/cases.ts';
import type { WaptLists } from './model.ts';

const kb1 = { kbs: ['5000001'] };
const kb2 = { kbs: ['5000002'] };
const byId = { updates: ['0000000a-0000-4000-8000-000000000000'] };
const windows10 = { products: ['Windows 10, version 1903 and later'] };
const critical = { severities: ['Critical'] as const };

describe('steps', () => {
  testCases([
    {
      name: 'nothing is said: held back by default',
      packages: [],
      code: 'default-deny',
      reason: 'no rule allows KB5000001, KB5000002 with severity Critical, and the default is to hold back',
    },
    {
      name: 'a package says nothing of it',
      packages: [pack('pilot', { rules: [allow({ kbs: ['5999999'] })] })],
      update: { kbs: [], severity: undefined },
      code: 'default-deny',
      reason: 'no rule allows an update without a KB number without a severity, and the default is to hold back',
    },
    {
      name: 'a package sets the default to allow',
      packages: [pack('pilot', { settings: { defaultAllow: true } })],
      code: 'default-allow',
      reason: 'no rule mentions KB5000001, KB5000002 with severity Critical, and the default of "pilot" is to allow',
      by: 'pilot settings',
    },
    {
      name: 'a package sets the default to hold back',
      packages: [pack('pilot', { settings: { defaultAllow: false } })],
      update: { kbs: ['5000001'] },
      code: 'default-deny',
      reason: 'no rule allows KB5000001 with severity Critical, and the default of "pilot" is to hold back',
      by: 'pilot settings',
    },
    {
      name: 'allow before the default',
      packages: [pack('pilot', { rules: [allow(kb1)], settings: { defaultAllow: false } })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "pilot": KB5000001',
      by: 'pilot 1',
    },
    {
      name: 'hold before the default to allow',
      packages: [pack('pilot', { rules: [hold(critical)], settings: { defaultAllow: true } })],
      code: 'held',
      reason: 'held back by rule 1 of "pilot": severity Critical',
      by: 'pilot 1',
    },
    {
      name: 'hold before allow, although its rule comes later',
      packages: [pack('pilot', { rules: [allow(kb1), hold(windows10)] })],
      code: 'held',
      reason: 'held back by rule 2 of "pilot": product Windows 10, version 1903 and later',
      by: 'pilot 2',
    },
    {
      name: 'hold before an allow of higher priority',
      packages: [
        pack('boss', { priority: 100, rules: [allow(byId)] }),
        pack('pilot', { priority: -5, rules: [hold(critical)] }),
      ],
      code: 'held',
      reason: 'held back by rule 1 of "pilot": severity Critical',
      by: 'pilot 1',
    },
    {
      name: 'forbid before hold and allow',
      packages: [pack('pilot', { rules: [allow(kb1), hold(kb1), forbid(kb1, { comment: 'see ticket 17' })] })],
      code: 'forbidden',
      reason: 'forbidden by rule 3 of "pilot": KB5000001; comment: see ticket 17',
      by: 'pilot 3',
    },
    {
      name: 'an allow by KB never lifts a forbid by product, whatever the priorities',
      packages: [
        pack('boss', { priority: 1000, rules: [allow(kb1)] }),
        pack('base', { priority: -1000, rules: [forbid(windows10)] }),
      ],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "base": product Windows 10, version 1903 and later',
      by: 'base 1',
    },
    {
      name: 'an allow by id does not lift a forbid by KB either',
      packages: [pack('pilot', { rules: [allow(byId), forbid(kb2)] })],
      code: 'forbidden',
      reason: 'forbidden by rule 2 of "pilot": KB5000002',
      by: 'pilot 2',
    },
    {
      name: 'one forbidden KB forbids the update, although the other one is allowed',
      packages: [pack('a', { rules: [allow(kb1)] }), pack('b', { rules: [forbid(kb2)] })],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "b": KB5000002',
      by: 'b 1',
    },
    {
      name: 'forbid before the default to allow',
      packages: [pack('pilot', { rules: [forbid(kb1)], settings: { defaultAllow: true } })],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "pilot": KB5000001',
      by: 'pilot 1',
    },
    {
      name: 'forbidden is not delayed',
      packages: [
        pack('pilot', { rules: [forbid(kb1), allow(kb2)], settings: { installDelaySeconds: 90 * 24 * 3600 } }),
      ],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "pilot": KB5000001',
      by: 'pilot 1',
    },
    {
      name: 'what nothing allows is not delayed',
      packages: [pack('pilot', { settings: { installDelaySeconds: 90 * 24 * 3600 } })],
      update: { kbs: ['5000001'], severity: undefined },
      code: 'default-deny',
      reason: 'no rule allows KB5000001 without a severity, and the default is to hold back',
    },
  ]);
});

describe('who is named inside a step', () => {
  testCases([
    {
      name: 'the package of higher priority',
      packages: [pack('a', { priority: 1, rules: [allow(kb1)] }), pack('b', { priority: 2, rules: [allow(critical)] })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "b": severity Critical',
      by: 'b 1',
    },
    {
      name: 'of equal priority the first by name',
      packages: [pack('b', { rules: [forbid(kb1)] }), pack('a', { rules: [forbid(critical)] })],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "a": severity Critical',
      by: 'a 1',
    },
    {
      name: 'names are compared letter by letter, not as numbers',
      packages: [pack('ring-10', { rules: [hold(kb1)] }), pack('ring-9', { rules: [hold(kb1)] })],
      code: 'held',
      reason: 'held back by rule 1 of "ring-10": KB5000001',
      by: 'ring-10 1',
    },
    {
      name: 'and in no order of a language, which differs between machines',
      packages: [pack('ring_a', { rules: [hold(kb1)] }), pack('ring-b', { rules: [hold(kb1)] })],
      code: 'held',
      reason: 'held back by rule 1 of "ring-b": KB5000001',
      by: 'ring-b 1',
    },
    {
      name: 'in a package the first rule, whatever it looks at',
      packages: [pack('a', { rules: [allow({ kbs: ['5999999'] }), allow(critical), allow(kb1), allow(byId)] })],
      code: 'allowed',
      reason: 'allowed by rule 2 of "a": severity Critical',
      by: 'a 2',
    },
    {
      name: 'a negative priority counts after none',
      packages: [pack('a', { priority: -1, rules: [allow(kb1)] }), pack('b', { rules: [allow(kb2)] })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "b": KB5000002',
      by: 'b 1',
    },
    {
      name: 'a rule for good although one that expires comes first and is gone',
      packages: [pack('a', { rules: [forbid(kb1, { expiresAt: '2026-01-31T00:00:00Z' }), forbid(kb2)] })],
      code: 'forbidden',
      reason: 'forbidden by rule 2 of "a": KB5000002',
      by: 'a 2',
    },
    {
      name: 'native before WAPT, although its package has the lower priority',
      packages: [
        pack('old', { priority: 9, rules: [], wapt: { forbiddenKbs: ['5000001'] } }),
        pack('new', { rules: [forbid(critical)] }),
      ],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "new": severity Critical',
      by: 'new 1',
    },
  ]);
});

describe('WAPT among native rules', () => {
  const wapt = (lists: WaptLists) => pack('wapt', { wapt: lists });
  testCases([
    {
      name: "WAPT's forbid before a native allow by id",
      packages: [wapt({ forbiddenKbs: ['5000002'] }), pack('pilot', { priority: 5, rules: [allow(byId)] })],
      code: 'forbidden',
      reason: 'forbidden by wapt.forbiddenKbs of "wapt": KB5000002',
      by: 'wapt wapt',
    },
    {
      name: "a native hold before WAPT's allow",
      packages: [
        wapt({ allowedUpdates: ['0000000a-0000-4000-8000-000000000000_200'] }),
        pack('b', { rules: [hold(kb2)] }),
      ],
      code: 'held',
      reason: 'held back by rule 1 of "b": KB5000002',
      by: 'b 1',
    },
    {
      name: "a native forbid before WAPT's allow",
      packages: [wapt({ allowedKbs: ['5000001'] }), pack('b', { rules: [forbid(windows10)] })],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "b": product Windows 10, version 1903 and later',
      by: 'b 1',
    },
    {
      name: "WAPT's allow before the default",
      packages: [wapt({ allowedSeverities: ['Critical'] }), pack('b', { settings: { defaultAllow: false } })],
      code: 'allowed',
      reason: 'allowed by wapt.allowedSeverities of "wapt": severity Critical',
      by: 'wapt wapt',
    },
    {
      name: "a native allow is named before WAPT's",
      packages: [wapt({ allowedKbs: ['5000001'] }), pack('b', { priority: -7, rules: [allow(critical)] })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "b": severity Critical',
      by: 'b 1',
    },
    {
      name: "once a native hold expires, WAPT's allow holds",
      packages: [
        wapt({ allowedKbs: ['5000001'] }),
        pack('b', { rules: [hold(kb1, { expiresAt: '2026-02-01T12:00:00Z' })] }),
      ],
      code: 'held',
      reason: 'held back until 2026-02-01T12:00:00.000Z by rule 1 of "b": KB5000001',
      by: 'b 1',
      until: '2026-02-01T12:00:00.000Z',
    },
  ]);
});
