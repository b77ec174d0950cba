import { describe, expect, it } from 'vitest';
import { readPackage } from './read-package.ts';

const faultsOf = (text: string): string[] => {
  const read = readPackage(text);
  return read.success ? [] : read.faults.map(({ line, column, message }) => `${line}:${column}: ${message}`);
};

it('takes numbers as the index spells them: with leading zeros a rule would match nothing', () => {
  const text = `name: a
rules:
  - {effect: forbid, kb: [KB0890830, 00890830], update: 2a9f0c1e-77aa-4b0f-8d53-0123456789ab_0200}
wapt: {forbidden_kbs: KB00012345, allowed_updates: 2a9f0c1e-77aa-4b0f-8d53-0123456789ab_000}
`;
  expect(readPackage(text)).toMatchObject({
    package: {
      rules: [{ when: { kbs: ['890830'], updates: ['2a9f0c1e-77aa-4b0f-8d53-0123456789ab_200'] } }],
      wapt: { forbiddenKbs: ['12345'], allowedUpdates: ['2a9f0c1e-77aa-4b0f-8d53-0123456789ab_0'] },
    },
  });
});

describe('a rule package in YAML', () => {
  it('says in words what the contract says in numbers', () => {
    const text = `
# The pilots.
name: pilot
description: first to get updates
priority: 10
rules:
  - effect: forbid
    product: [Windows 10, Windows 11]
    title: '*Preview*'
    expires: 2026-12-01
    comment: see ticket 17
  - effect: hold
    kb: [KB5034441, 5034442, kb5034442]
    age: ['>7d', '<30d']
    size: '>1.5GB'
    reboot: always
    expires: 2026-12-01T08:30:00Z
  - effect: allow
    severity: [Critical, Unspecified]
    update: 2A9F0C1E-77AA-4B0F-8D53-0123456789AB_200
    classification: Security Updates
    age: '< 2w'
wapt:
  forbidden_kbs: KB5000001
  allowed_severities: [Important]
  allowed_products: []
settings:
  enabled: true
  default_allow: false
  install_delay: 7
  install_delay_by_severity: {Critical: 0, Low: 12h, Unspecified: 2w}
`;
    expect(readPackage(text)).toEqual({
      success: true,
      package: {
        name: 'pilot',
        description: 'first to get updates',
        priority: 10,
        rules: [
          {
            effect: 'forbid',
            when: { products: ['Windows 10', 'Windows 11'], title: '*Preview*' },
            expiresAt: '2026-12-01T00:00:00.000Z',
            comment: 'see ticket 17',
          },
          {
            effect: 'hold',
            when: {
              kbs: ['5034441', '5034442'],
              minAgeSeconds: 604_800,
              maxAgeSeconds: 2_592_000,
              minBytes: 1_500_000_000,
              reboots: ['always'],
            },
            expiresAt: '2026-12-01T08:30:00Z',
          },
          {
            effect: 'allow',
            when: {
              updates: ['2a9f0c1e-77aa-4b0f-8d53-0123456789ab_200'],
              classifications: ['Security Updates'],
              severities: ['Critical', 'Unspecified'],
              maxAgeSeconds: 1_209_600,
            },
          },
        ],
        wapt: { forbiddenKbs: ['5000001'], allowedSeverities: ['Important'], allowedProducts: [] },
        settings: {
          enabled: true,
          defaultAllow: false,
          installDelaySeconds: 604_800,
          installDelaysBySeverity: { Critical: 0, Low: 43_200, Unspecified: 1_209_600 },
        },
      },
    });
  });

  it('may be JSON, and need no more than a name', () => {
    expect(readPackage('\uFEFF{"name": "empty"}')).toEqual({
      success: true,
      package: { name: 'empty', priority: 0, rules: [] },
    });
  });
});

describe('faults name their line and column', () => {
  const start = 'name: pilot\nrules:\n';
  it.each([
    ['name: Pilot', ['1:7: name: Invalid string: must match pattern /^[a-z0-9][a-z0-9._-]{0,63}$/ (got "Pilot")']],
    ['priority: 1', ['1:1: name: Invalid input: expected string, received undefined']],
    ['', ['1:1: Invalid input: expected object, received null']],
    [
      'name: pilot\npriorty: 1\nsettings:\n  filter: x\n  colour: red\n',
      [
        '2:1: priorty: no field of a package; known are name, description, priority, rules, wapt, settings',
        '4:3: settings.filter: no field of the settings; no agent heeds it yet; known are enabled, default_allow, install_delay, install_delay_by_severity, direct_download, direct_first',
        '5:3: settings.colour: no field of the settings; known are enabled, default_allow, install_delay, install_delay_by_severity, direct_download, direct_first',
      ],
    ],
    [
      `${start}  - effect: forbid\n    kb: [KB5034441, KB12, 7]\n  - effect: deny\n    severity: critical\n`,
      [
        '4:21: rules.1.kb.2: not a KB number: expected five to eight digits as in KB5034441 (got "KB12")',
        '4:27: rules.1.kb.3: not a KB number: expected five to eight digits as in KB5034441 (got 7)',
        '5:13: rules.2.effect: Invalid option: expected one of "forbid"|"hold"|"allow" (got "deny")',
        '6:15: rules.2.severity: Invalid option: expected one of "Critical"|"Important"|"Moderate"|"Low"|"Unspecified" (got "critical")',
      ],
    ],
    [
      `${start}  - effect: forbid\n    comment: nothing\n`,
      [
        '3:5: rules.1: a rule names at least one condition: kb, update, product, classification, severity, title, age, size, reboot',
      ],
    ],
    [
      `${start}  - {effect: hold, kb: KB5034441, until: 2026-12-01}\n`,
      [
        '3:35: rules.1.until: no field of a rule; known are effect, kb, update, product, classification, severity, title, age, size, reboot, expires, comment',
      ],
    ],
    [
      `${start}  - {effect: hold, age: '>7'}\n  - {effect: hold, size: '1GB', expires: tomorrow}\n`,
      [
        "3:25: rules.1.age: not an age: expected one as in '>7d' or '<30d' (s, m, h, d or w) (got \">7\")",
        "4:26: rules.2.size: not a size: expected one as in '>1GB' or '<500MB' (B, kB, MB, GB or TB) (got \"1GB\")",
        '4:42: rules.2.expires: not a date: expected one as in 2026-12-01 (the rule ends as that day begins, UTC) or 2026-12-01T08:00:00Z (got "tomorrow")',
      ],
    ],
    [
      `${start}  - {effect: hold, age: ['>30d', '<7d']}\n  - {effect: hold, age: ['>7d', '>8d']}\n  - {effect: hold, age: '>9999w'}\n`,
      [
        '3:25: rules.1.age: nothing is both: the one with > is greater than the one with <',
        '4:25: rules.2.age: two bounds with >; give one of each at most',
        '5:25: rules.3.age: ">9999w" is more than can be kept',
      ],
    ],
    [
      'name: pilot\nsettings: {install_delay: 1 week, install_delay_by_severity: {Critical: 99999d}}\n',
      [
        '2:27: settings.install_delay: not a duration: expected one as in 7d, 12h or 90m; without a unit it is days (got "1 week")',
      ],
    ],
    [
      'name: pilot\nsettings: {install_delay_by_severity: {Critical: 99999d}}\n',
      ['2:50: settings.install_delay_by_severity.Critical: "99999d" is longer than ten years'],
    ],
  ])('%j', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  it.each([
    [
      `${start}  - effect: allow\n    age: >7d\n`,
      '4:12: Block scalar header includes extra characters: >7d; a text that begins with > is put in quotes',
    ],
    [
      `${start}  - effect: allow\n    title: *Preview*\n`,
      '4:12: Unresolved alias (the anchor must be set before the alias): Preview*; a text that begins with * is put in quotes',
    ],
    ['name: pilot\nname: other\n', '2:1: Map keys must be unique'],
    ['name: pilot\n---\nname: other\n', '2:1: a second document begins here; one file is one package'],
    ["name: !!js/function 'a'\n", '1:7: Unresolved tag: tag:yaml.org,2002:js/function'],
    ['rules: [1\nname', '2:1: '],
  ])('%j is no YAML that can be meant', (text, start) => {
    expect(faultsOf(text)[0]).toContain(start);
  });

  it('even where there is nothing yet', () => {
    expect(faultsOf('\n\nrules: []\n')).toEqual(['3:1: name: Invalid input: expected string, received undefined']);
  });
});
