import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import type { RulePackageDocument } from '#shared/contract/rules.ts';
import { readPackage } from './read-package.ts';
import { writePackage } from './write-package.ts';

const some = <T>(item: fc.Arbitrary<T>) => fc.uniqueArray(item, { minLength: 1, maxLength: 4 });
const guid = fc.uuid();
const updateName = fc
  .tuple(guid, fc.option(fc.nat(999), { nil: undefined }))
  .map(([id, revision]) => (revision === undefined ? id : `${id}_${revision}`));
const kb = fc.integer({ min: 10_000, max: 99_999_999 }).map(String);
const text = fc.string({ minLength: 1, maxLength: 30 });
const severity = fc.constantFrom('Critical', 'Important', 'Moderate', 'Low' as const);
const severityOrNone = fc.oneof(severity, fc.constant('Unspecified' as const));
const amount = fc.oneof(
  fc.nat(1_000_000),
  fc.nat(300).map((days) => days * 86_400),
);
const bytes = fc.oneof(
  fc.nat(),
  fc.nat(900).map((mega) => mega * 1_000_000),
);
const moment = fc
  .oneof(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), fc.constant(new Date('2026-12-01')))
  .map((date) => date.toISOString());
const isOrdered = (min: number | undefined, max: number | undefined): boolean =>
  min === undefined || max === undefined || min <= max;

const conditions = fc
  .record(
    {
      kbs: some(kb),
      updates: some(updateName),
      products: some(text),
      classifications: some(text),
      severities: some(severityOrNone),
      title: text,
      minAgeSeconds: amount,
      maxAgeSeconds: amount,
      reboots: some(fc.constantFrom('never', 'always', 'can' as const)),
      minBytes: bytes,
      maxBytes: bytes,
    },
    { requiredKeys: [] },
  )
  .filter(
    (when) =>
      Object.keys(when).length > 0 &&
      isOrdered(when.minAgeSeconds, when.maxAgeSeconds) &&
      isOrdered(when.minBytes, when.maxBytes),
  );

/** Any package of the contract whose bounds can be met. */
const packages = fc.record(
  {
    name: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
    description: fc.string({ maxLength: 30 }),
    priority: fc.integer({ min: -1000, max: 1000 }),
    rules: fc.array(
      fc.record(
        {
          effect: fc.constantFrom('forbid', 'hold', 'allow' as const),
          when: conditions,
          expiresAt: moment,
          comment: text,
        },
        { requiredKeys: ['effect', 'when'] },
      ),
      { maxLength: 3 },
    ),
    wapt: fc.record(
      {
        forbiddenUpdates: some(updateName),
        forbiddenKbs: some(kb),
        allowedUpdates: some(updateName),
        allowedKbs: fc.uniqueArray(kb, { maxLength: 3 }),
        allowedProducts: some(text),
        allowedSeverities: some(severity),
        allowedClassifications: some(text),
      },
      { requiredKeys: [] },
    ),
    settings: fc.record(
      {
        enabled: fc.boolean(),
        defaultAllow: fc.boolean(),
        installDelaySeconds: amount,
        installDelaysBySeverity: fc.dictionary(severityOrNone, amount),
        directDownload: fc.boolean(),
        directFirst: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['name', 'priority', 'rules'] },
) as fc.Arbitrary<RulePackageDocument>;

describe('a package that is written', () => {
  it('is the same package when it is read', () => {
    fc.assert(
      fc.property(packages, (value) => {
        expect(readPackage(writePackage(value, ['imported', 'a\nb']))).toEqual({ success: true, package: value });
      }),
    );
  });

  it('is one that docs/rule-package.schema.json takes', async () => {
    const file = new URL('../../docs/rule-package.schema.json', import.meta.url);
    const schema = z.fromJSONSchema(JSON.parse(await readFile(file, 'utf8')));
    fc.assert(
      fc.property(packages, (value) => {
        expect(schema.safeParse(parse(writePackage(value)))).toMatchObject({ success: true });
      }),
    );
  });

  it('reads well', () => {
    const text = writePackage(
      {
        name: 'pilot',
        priority: 10,
        rules: [
          {
            effect: 'allow',
            when: { kbs: ['5034441', '5034442'], minAgeSeconds: 604_800, maxBytes: 1_500_000_000 },
            expiresAt: '2026-12-01T00:00:00.000Z',
          },
          { effect: 'hold', when: { title: '*Preview*', minAgeSeconds: 90, maxAgeSeconds: 7200 } },
        ],
        settings: { installDelaySeconds: 0, installDelaysBySeverity: { Critical: 5400 } },
      },
      ['from elsewhere'],
    );
    expect(text).toBe(`# from elsewhere
name: pilot
priority: 10
rules:
  - effect: allow
    kb: [KB5034441, KB5034442]
    age: ">7d"
    size: <1500MB
    expires: 2026-12-01
  - effect: hold
    title: "*Preview*"
    age: [">90s", <2h]
settings:
  install_delay: 0d
  install_delay_by_severity:
    Critical: 90m
`);
  });
});
