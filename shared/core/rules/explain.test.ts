import { expect, it } from 'vitest';
import { allow, forbid, hold, now, pack, servicingStack, update } from '#test/kit/rules/cases.ts';
import { explain } from './explain.ts';
import { compileRules } from './judge.ts';
import type { Judged, RulePackage } from './model.ts';

const day = 24 * 3600;
const kb = { kbs: ['5000001'] };
const denied = 'no rule allows KB5000001, KB5000002 with severity Critical, and the default is to hold back';

interface Chain {
  readonly name: string;
  readonly packages: readonly RulePackage[];
  readonly judged?: Judged;
  /** `step: what it said`, a `>` before the one that decided. */
  readonly steps: readonly string[];
}

const chains: readonly Chain[] = [
  {
    name: 'a forbid ends the chain',
    packages: [pack('p', { rules: [allow(kb), forbid(kb)] })],
    steps: ['> forbid: forbidden by rule 2 of "p": KB5000001'],
  },
  {
    name: 'so does a hold',
    packages: [pack('p', { rules: [allow(kb), hold(kb, { comment: 'ticket 17' })] })],
    steps: ['forbid: no rule forbids it', '> hold: held back by rule 2 of "p": KB5000001; comment: ticket 17'],
  },
  {
    name: 'an allow says that no delay is set',
    packages: [pack('p', { rules: [allow(kb)] })],
    steps: [
      'forbid: no rule forbids it',
      'hold: no rule holds it back',
      'servicing stack: it is no servicing stack update',
      '> allow: allowed by rule 1 of "p": KB5000001',
      'delay: no delay is set for it',
    ],
  },
  {
    name: 'or that it is over',
    packages: [pack('p', { rules: [allow(kb)], settings: { installDelaySeconds: 7 * day } })],
    steps: [
      'forbid: no rule forbids it',
      'hold: no rule holds it back',
      'servicing stack: it is no servicing stack update',
      '> allow: allowed by rule 1 of "p": KB5000001',
      'delay: the delay of "p" is over: 7 days since its first publication at 2026-01-01T00:00:00Z',
    ],
  },
  {
    name: 'a delay says what will allow it',
    packages: [pack('p', { rules: [allow(kb)], settings: { installDelaysBySeverity: { Critical: 31 * day } } })],
    steps: [
      'forbid: no rule forbids it',
      'hold: no rule holds it back',
      'servicing stack: it is no servicing stack update',
      'allow: allowed by rule 1 of "p": KB5000001, once no delay runs',
      '> delay: delayed until 2026-02-01T00:00:00.000Z by "p": 31 days for severity Critical since its first publication at 2026-01-01T00:00:00Z; otherwise allowed by rule 1 of "p": KB5000001',
    ],
  },
  {
    name: 'the default comes last',
    packages: [],
    steps: [
      'forbid: no rule forbids it',
      'hold: no rule holds it back',
      'servicing stack: it is no servicing stack update',
      'allow: no rule allows it',
      'delay: nothing allows it, so no delay counts',
      `> default: ${denied}`,
    ],
  },
  {
    name: 'the default allows after a delay that is over',
    packages: [pack('p', { settings: { defaultAllow: true, installDelaySeconds: 30 * day } })],
    steps: [
      'forbid: no rule forbids it',
      'hold: no rule holds it back',
      'servicing stack: it is no servicing stack update',
      'allow: no rule allows it',
      'delay: the delay of "p" is over: 30 days since its first publication at 2026-01-01T00:00:00Z',
      '> default: no rule mentions KB5000001, KB5000002 with severity Critical, and the default of "p" is to allow',
    ],
  },
  {
    name: 'a servicing stack update says which rules do not count for it',
    packages: [
      pack('p', {
        rules: [hold({ products: ['Windows 10, version 1903 and later'] })],
        wapt: { forbiddenKbs: ['5000002'] },
      }),
    ],
    judged: servicingStack,
    steps: [
      'forbid: forbidden by wapt.forbiddenKbs of "p": KB5000002, which does not count: a servicing stack update is forbidden by id only',
      'hold: held back by rule 1 of "p": product Windows 10, version 1903 and later, which does not count for a servicing stack update',
      '> servicing stack: allowed as a servicing stack update: other updates need it, and no rule forbids it by id',
    ],
  },
];

it.each(chains)('$name', ({ packages, judged, steps }) => {
  const said = explain(compileRules(packages), judged ?? update, new Date(now)).steps;
  expect(said.map((each) => `${each.decided ? '> ' : ''}${each.step}: ${each.said}`)).toEqual(steps);
});

it('tells the packages in their order', () => {
  const packages = [pack('b', {}), pack('z', { priority: 2 }), pack('a', {})];
  expect(compileRules(packages).packages).toEqual(['z', 'a', 'b']);
});

it('never says more than a report may, whatever people wrote', () => {
  const long = 'x'.repeat(1024);
  const name = 'p'.repeat(64);
  const product = { id: update.updateId, title: long };
  const judged: Judged = {
    ...update,
    kbs: Array.from({ length: 500 }, (_, number) => String(50_000_000 + number)),
    title: long,
    products: [product],
    classification: product,
    firstPublishedAt: long,
  };
  const everything = allow(
    {
      kbs: judged.kbs,
      updates: [`${update.updateId}_200`],
      products: [long],
      classifications: [long],
      severities: ['Critical'],
      title: `${long.slice(1)}*`,
      reboots: ['can'],
      minBytes: 0,
      maxBytes: Number.MAX_SAFE_INTEGER,
    },
    { comment: long },
  );
  const settings = { installDelaysBySeverity: { Critical: 3600 * 24 * 3600 - 1 } };
  const aged = { ...everything, when: { ...everything.when, minAgeSeconds: 2_591_999, maxAgeSeconds: 301_000_001 } };
  const books: readonly RulePackage[] = [
    pack(name, { rules: [everything], settings }),
    pack(name, { rules: [aged], settings }),
    pack(name, { wapt: { allowedProducts: [long] }, settings }),
    pack(name, { settings: { ...settings, defaultAllow: true } }),
    pack(name, { settings: { defaultAllow: false } }),
  ];
  const cases = books.flatMap((book) => [long, update.firstPublishedAt].map((date) => ({ book, date })));
  for (const { book, date } of cases) {
    const { verdict, steps } = explain(compileRules([book]), { ...judged, firstPublishedAt: date }, new Date(now));
    expect(verdict.reason.length).toBeLessThan(900);
    expect(steps.every(({ said }) => said.length < 1024)).toBe(true);
  }
});
