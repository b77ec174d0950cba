import { describe } from 'vitest';
import { allow, forbid, hold, pack, testCases } from '#test/kit/rules/cases.ts';

const kb = { kbs: ['5000001'] };
const critical = { severities: ['Critical'] as const };
const day = 24 * 3600;
const [tomorrow, later, past] = ['2026-02-01T00:00:00Z', '2026-02-05T00:00:00Z', '2026-01-30T00:00:00Z'];

describe('expiry', () => {
  testCases([
    {
      name: 'an allow that expires',
      packages: [pack('p', { rules: [allow(kb, { expiresAt: tomorrow })] })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
      until: '2026-02-01T00:00:00.000Z',
    },
    {
      name: 'is gone at the moment of its expiry',
      packages: [pack('p', { rules: [forbid(kb, { expiresAt: '2026-01-31T00:00:00Z' }), allow(kb)] })],
      code: 'allowed',
      reason: 'allowed by rule 2 of "p": KB5000001',
      by: 'p 2',
    },
    {
      name: 'a forbid that another one follows does not change by itself',
      packages: [pack('p', { rules: [forbid(kb, { expiresAt: tomorrow }), forbid(critical)] })],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "p": KB5000001',
      by: 'p 1',
    },
    {
      name: 'two that expire: until the later',
      packages: [pack('p', { rules: [hold(kb, { expiresAt: tomorrow }), hold(critical, { expiresAt: later })] })],
      code: 'held',
      reason: 'held back until 2026-02-05T00:00:00.000Z by rule 1 of "p": KB5000001',
      by: 'p 1',
      until: '2026-02-05T00:00:00.000Z',
    },
    {
      name: 'a forbid that becomes a hold changes, although the update stays away',
      packages: [pack('p', { rules: [hold(kb), forbid(kb, { expiresAt: tomorrow })] })],
      code: 'forbidden',
      reason: 'forbidden until 2026-02-01T00:00:00.000Z by rule 2 of "p": KB5000001',
      by: 'p 2',
      until: '2026-02-01T00:00:00.000Z',
    },
    {
      name: 'the expiry of what does not count changes nothing',
      packages: [pack('p', { rules: [forbid(kb), hold(kb, { expiresAt: tomorrow }), allow(kb, { expiresAt: past })] })],
      code: 'forbidden',
      reason: 'forbidden by rule 1 of "p": KB5000001',
      by: 'p 1',
    },
    {
      name: 'a hold that begins later with the age of the update',
      packages: [pack('p', { rules: [allow(kb), hold({ minAgeSeconds: 32 * day })] })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
      until: '2026-02-02T00:00:00.000Z',
    },
    {
      name: 'a rule that would expire before it begins is not there',
      packages: [pack('p', { rules: [allow(kb), hold({ minAgeSeconds: 32 * day }, { expiresAt: tomorrow })] })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
    },
    {
      name: 'the later of an allow by rule and the default is another verdict',
      packages: [pack('p', { rules: [allow(kb, { expiresAt: tomorrow })], settings: { defaultAllow: true } })],
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
      until: '2026-02-01T00:00:00.000Z',
    },
  ]);
});

describe('delay', () => {
  const settings = { installDelaySeconds: 31 * day };
  testCases([
    {
      name: 'an allowed update waits',
      packages: [pack('p', { rules: [allow(kb)], settings })],
      code: 'delayed',
      reason:
        'delayed until 2026-02-01T00:00:00.000Z by "p": 31 days since its first publication at 2026-01-01T00:00:00Z; otherwise allowed by rule 1 of "p": KB5000001',
      by: 'p settings',
      until: '2026-02-01T00:00:00.000Z',
    },
    {
      name: 'and is allowed at the moment when the delay ends',
      packages: [pack('p', { rules: [allow(kb)], settings })],
      at: '2026-02-01T00:00:00Z',
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
    },
    {
      name: 'what is allowed by default waits too',
      packages: [pack('p', { settings: { ...settings, defaultAllow: true } })],
      code: 'delayed',
      reason:
        'delayed until 2026-02-01T00:00:00.000Z by "p": 31 days since its first publication at 2026-01-01T00:00:00Z; otherwise the default of "p" is to allow',
      by: 'p settings',
      until: '2026-02-01T00:00:00.000Z',
    },
    {
      name: 'what WAPT allows waits too',
      packages: [pack('p', { wapt: { allowedKbs: ['5000001'] }, settings })],
      code: 'delayed',
      reason:
        'delayed until 2026-02-01T00:00:00.000Z by "p": 31 days since its first publication at 2026-01-01T00:00:00Z; otherwise allowed by wapt.allowedKbs of "p": KB5000001',
      by: 'p settings',
      until: '2026-02-01T00:00:00.000Z',
    },
    {
      name: 'a hold is said before the delay',
      packages: [pack('p', { rules: [allow(kb), hold(kb)], settings })],
      code: 'held',
      reason: 'held back by rule 2 of "p": KB5000001',
      by: 'p 2',
    },
    {
      name: 'a delay by severity before the general one, even of a package of lower priority',
      packages: [
        pack('a', { priority: 1, rules: [allow(kb)], settings }),
        pack('b', { settings: { installDelaysBySeverity: { Critical: 40 * day } } }),
      ],
      code: 'delayed',
      reason:
        'delayed until 2026-02-10T00:00:00.000Z by "b": 40 days for severity Critical since its first publication at 2026-01-01T00:00:00Z; otherwise allowed by rule 1 of "a": KB5000001',
      by: 'b settings',
      until: '2026-02-10T00:00:00.000Z',
    },
    {
      name: 'a delay of 0 for a severity lifts the general one',
      packages: [
        pack('p', { rules: [allow(kb)], settings: { ...settings, installDelaysBySeverity: { Critical: 0 } } }),
      ],
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
    },
    {
      name: 'a delay for what has no severity',
      packages: [
        pack('p', {
          rules: [allow(kb)],
          settings: { installDelaysBySeverity: { Unspecified: 30 * day + 3600, Low: 0 } },
        }),
      ],
      update: { severity: undefined },
      code: 'delayed',
      reason:
        'delayed until 2026-01-31T01:00:00.000Z by "p": 721 hours for severity Unspecified since its first publication at 2026-01-01T00:00:00Z; otherwise allowed by rule 1 of "p": KB5000001',
      by: 'p settings',
      until: '2026-01-31T01:00:00.000Z',
    },
    {
      name: 'delays of severities are merged one by one',
      packages: [
        pack('a', { priority: 1, rules: [allow(kb)], settings: { installDelaysBySeverity: { Low: 0 } } }),
        pack('b', { settings: { installDelaysBySeverity: { Low: day, Critical: 31 * day } } }),
      ],
      code: 'delayed',
      reason:
        'delayed until 2026-02-01T00:00:00.000Z by "b": 31 days for severity Critical since its first publication at 2026-01-01T00:00:00Z; otherwise allowed by rule 1 of "a": KB5000001',
      by: 'b settings',
      until: '2026-02-01T00:00:00.000Z',
    },
    {
      name: 'of two general delays the one of higher priority, although it is shorter',
      packages: [
        pack('z', { priority: 2, rules: [allow(kb)], settings: { installDelaySeconds: day } }),
        pack('a', { priority: 1, settings }),
      ],
      code: 'allowed',
      reason: 'allowed by rule 1 of "z": KB5000001',
      by: 'z 1',
    },
    {
      name: 'of two defaults with the same priority the first by name',
      packages: [pack('b', { settings: { defaultAllow: true } }), pack('a', { settings: { defaultAllow: false } })],
      update: { kbs: ['5000001'] },
      code: 'default-deny',
      reason: 'no rule allows KB5000001 with severity Critical, and the default of "a" is to hold back',
      by: 'a settings',
    },
    {
      name: 'an allow that expires while the delay runs',
      packages: [pack('p', { rules: [allow(kb, { expiresAt: '2026-01-31T12:00:00Z' })], settings })],
      code: 'delayed',
      // At the end of the delay nothing would allow it.
      reason:
        'delayed by "p": 31 days since its first publication at 2026-01-01T00:00:00Z; otherwise allowed until 2026-01-31T12:00:00.000Z by rule 1 of "p": KB5000001',
      by: 'p settings',
      until: '2026-01-31T12:00:00.000Z',
    },
    {
      name: 'a default to allow that a forbid overtakes before the delay ends',
      packages: [
        pack('p', { rules: [forbid({ minAgeSeconds: 30.5 * day })], settings: { ...settings, defaultAllow: true } }),
      ],
      code: 'delayed',
      reason:
        'delayed by "p": 31 days since its first publication at 2026-01-01T00:00:00Z; otherwise the default of "p" is to allow until 2026-01-31T12:00:00.000Z',
      by: 'p settings',
      until: '2026-01-31T12:00:00.000Z',
    },
    {
      name: 'without a readable date the delay does not end',
      packages: [pack('p', { rules: [allow(kb)], settings })],
      update: { firstPublishedAt: 'soon' },
      code: 'delayed',
      reason:
        'delayed by "p": 31 days, and since when it is published is not known ("soon"); otherwise allowed by rule 1 of "p": KB5000001',
      by: 'p settings',
    },
    {
      name: 'but a delay of nothing is none, whatever the date',
      packages: [
        pack('p', { rules: [allow(kb)], settings: { ...settings, installDelaysBySeverity: { Critical: 0 } } }),
      ],
      update: { firstPublishedAt: 'soon' },
      code: 'allowed',
      reason: 'allowed by rule 1 of "p": KB5000001',
      by: 'p 1',
    },
  ]);
});
