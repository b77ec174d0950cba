import { describe } from 'vitest';
import { allow, type Case, pack, testCases } from '#test/kit/rules/cases.ts';
import type { Conditions } from './model.ts';

const denied = 'no rule allows KB5000001, KB5000002 with severity Critical, and the default is to hold back';
const rules = (when: Conditions) => [pack('p', { rules: [allow(when)] })];

const matches = (name: string, when: Conditions, words: string, more: Partial<Case> = {}): Case => ({
  name,
  packages: rules(when),
  code: 'allowed',
  reason: `allowed by rule 1 of "p": ${words}`,
  by: 'p 1',
  ...more,
});
const misses = (name: string, when: Conditions, more: Partial<Case> = {}): Case => ({
  name,
  packages: rules(when),
  code: 'default-deny',
  reason: denied,
  ...more,
});
const a = '0000000a-0000-4000-8000-000000000000';

describe('conditions', () => {
  testCases([
    matches('the second KB of an update', { kbs: ['5999999', '5000002'] }, 'KB5000002'),
    misses('whole KB numbers only', { kbs: ['500000', '50000010'] }),
    matches('an UpdateId in any revision', { updates: [a] }, `update ${a}`, { update: { revision: 7 } }),
    matches('one revision', { updates: [`${a}_200`] }, `update ${a}_200`),
    misses('another revision', { updates: [`${a}_201`, `${a}_20`] }),
    matches('a revision beside its UpdateId', { updates: [`${a}_1`, a] }, `update ${a}`),
    matches(
      'a product by title in any case',
      { products: ['WINDOWS 10, Version 1903 AND later'] },
      'product Windows 10, version 1903 and later',
    ),
    matches(
      'a product by id',
      { products: ['000000B1-0000-4000-8000-000000000000'] },
      'product Windows 10, version 1903 and later',
    ),
    matches(
      'a product without a title',
      { products: ['000000b2-0000-4000-8000-000000000000'] },
      'product 000000b2-0000-4000-8000-000000000000',
    ),
    misses('whole titles of products only', { products: ['Windows 10'] }),
    matches(
      'a classification by title',
      { classifications: ['Updates', 'security updates'] },
      'classification Security Updates',
    ),
    matches(
      'a classification by id',
      { classifications: ['000000c1-0000-4000-8000-000000000000'] },
      'classification Security Updates',
    ),
    misses(
      'without a classification',
      { classifications: ['Security Updates'] },
      { update: { classification: undefined } },
    ),
    matches('one severity of several', { severities: ['Low', 'Critical'] }, 'severity Critical'),
    matches('no severity is Unspecified', { severities: ['Unspecified'] }, 'severity Unspecified', {
      update: { severity: undefined },
    }),
    misses('a severity is not Unspecified', { severities: ['Unspecified'] }),
    matches(
      'a title in any case',
      { title: '*cumulative update for WINDOWS 1?*' },
      'title like "*cumulative update for WINDOWS 1?*"',
    ),
    misses('the whole title only', { title: 'Cumulative Update' }),
    misses('without a title', { title: '*' }, { update: { title: undefined } }),
    matches('old enough, to the second', { minAgeSeconds: 30 * 24 * 3600 }, 'at least 30 days old'),
    misses('not old enough yet', { minAgeSeconds: 30 * 24 * 3600 + 3600 }, { until: '2026-01-31T01:00:00.000Z' }),
    matches('young enough, to the second', { maxAgeSeconds: 30 * 24 * 3600 }, 'at most 30 days old', {
      until: '2026-01-31T00:00:00.001Z',
    }),
    misses('too old', { maxAgeSeconds: 30 * 24 * 3600 - 1 }),
    matches(
      'between two ages',
      { minAgeSeconds: 5400, maxAgeSeconds: 31 * 24 * 3600 },
      'at least 90 minutes old, at most 31 days old',
      { until: '2026-02-01T00:00:00.001Z' },
    ),
    misses('no age without a readable date', { minAgeSeconds: 0 }, { update: { firstPublishedAt: 'yesterday' } }),
    misses(
      'published in the future',
      { minAgeSeconds: 0 },
      { update: { firstPublishedAt: '2026-02-02T00:00:00Z' }, until: '2026-02-02T00:00:00.000Z' },
    ),
    matches('a restart', { reboots: ['always', 'can'] }, 'reboot can'),
    misses('unknown whether it restarts', { reboots: ['never', 'always', 'can'] }, { update: { reboot: undefined } }),
    matches(
      'a size, both ends',
      { minBytes: 1_000_000, maxBytes: 1_000_000 },
      'at least 1000000 bytes, at most 1000000 bytes',
    ),
    misses('too small', { minBytes: 1_000_001 }),
    misses('too large', { maxBytes: 999_999 }),
    misses('a size that is not known is not large', { minBytes: 0 }, { update: { bytes: undefined } }),
    misses('a size that is not known is not small', { maxBytes: 1e12 }, { update: { bytes: undefined } }),
    matches(
      'all conditions at once',
      {
        kbs: ['5000001'],
        products: ['windows 10, version 1903 and later'],
        classifications: ['Security Updates'],
        severities: ['Critical'],
        title: '*',
      },
      'KB5000001, product Windows 10, version 1903 and later, classification Security Updates, severity Critical, title like "*"',
    ),
    misses('all but the KB', { kbs: ['5999999'], severities: ['Critical'] }),
    misses('all but the product', { kbs: ['5000001'], products: ['Office 2016'] }),
    misses('all but the classification', {
      products: ['windows 10, version 1903 and later'],
      classifications: ['Drivers'],
    }),
    misses('all but the severity', { classifications: ['Security Updates'], severities: ['Low'] }),
    misses('all but the title', { updates: [a], title: '*Preview*' }),
  ]);
});
