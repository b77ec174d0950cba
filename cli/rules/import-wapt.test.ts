import { describe, expect, it } from 'vitest';
import { importWapt } from './import-wapt.ts';

describe('wapt-get.ini', () => {
  it('becomes a package with the lists of WAPT, its settings, and a note of each option that has no place', () => {
    const text = `\uFEFF[global]\r
repo_url = https://wapt.example/wapt\r
\r
[WaptWUA]\r
; the pilots\r
Enabled = True\r
default_allow: no\r
install_delay = 7\r
allowed_severities = Critical, Important\r
allowed_kbs = KB5034441,\r
  5034442\r
forbidden_updates = 2A9F0C1E-77AA-4B0F-8D53-0123456789AB_200\r
forbidden_kbs =\r
download_scheduling = 12h\r
colour = red\r
`;
    expect(importWapt(text, 'wapt')).toEqual({
      success: true,
      package: {
        name: 'wapt',
        priority: 0,
        rules: [],
        wapt: {
          forbiddenUpdates: ['2a9f0c1e-77aa-4b0f-8d53-0123456789ab_200'],
          allowedKbs: ['5034441', '5034442'],
          allowedSeverities: ['Critical', 'Important'],
        },
        settings: { enabled: true, defaultAllow: false, installDelaySeconds: 604_800 },
      },
      notes: [
        'section [global] was not read: it is not about updates',
        'not taken over: download_scheduling = 12h (line 14): the broker tells hosts when to come again',
        'not taken over: colour = red (line 15): not an option that is known',
      ],
    });
  });

  it('may be indented: only a line that is further in than its option continues it', () => {
    const text = `[global]
repo_url = x
[waptwua]
  enabled = yes
  allowed_kbs = KB5034441,
    KB5034442
  default_allow = no
`;
    expect(importWapt(text, 'wapt')).toMatchObject({
      package: {
        wapt: { allowedKbs: ['5034441', '5034442'] },
        settings: { enabled: true, defaultAllow: false },
      },
    });
  });

  it('that does not switch WAPT on installs nothing here either, and says so', () => {
    for (const option of ['', 'enabled =\n', 'enabled = no\n']) {
      const imported = importWapt(`[waptwua]\ndefault_allow = yes\n${option}`, 'wapt');
      expect(imported).toMatchObject({ success: true, package: { settings: { enabled: false, defaultAllow: true } } });
      expect(imported).toHaveProperty(
        'notes',
        option === 'enabled = no\n'
          ? []
          : [
              'enabled is not set: WAPT leaves Windows Update alone then, and here it would count as true; the package has enabled: false',
            ],
      );
    }
  });

  it.each(['direct_download', 'allow_direct_download'])('%s is carried over, by the name that it has now', (option) => {
    expect(importWapt(`[waptwua]\nenabled = 1\n${option} = True\n`, 'a')).toMatchObject({
      package: { settings: { enabled: true, directDownload: true } },
      notes: [],
    });
    expect(importWapt(`[waptwua]\nenabled = 1\n${option} = maybe\n`, 'a')).toMatchObject({
      faults: [expect.stringMatching(/^line 3: /)],
    });
  });

  it.each([
    ['90s', 90],
    ['15m', 900],
    ['12H', 43_200],
    ['7d', 604_800],
    ['2w', 1_209_600],
    ['3', 259_200],
  ])('install_delay = %s is %d seconds', (value, seconds) => {
    expect(importWapt(`[waptwua]\ninstall_delay = ${value}\n`, 'a')).toMatchObject({
      package: { settings: { installDelaySeconds: seconds } },
    });
  });

  it.each([
    ['[global]\na=1\n', ['there is no section [waptwua] with options in it']],
    ['', ['there is no section [waptwua] with options in it']],
    [
      'enabled = 1\n[waptwua]\nenabled\n',
      [
        'line 1: expected [section] or option = value, got "enabled = 1"',
        'line 3: expected [section] or option = value, got "enabled"',
      ],
    ],
    ['[waptwua]\nenabled=1\nenabled=0', ['line 3: enabled stands in line 2 already']],
    ['[waptwua]\nenabled=maybe', ['line 2: enabled: Invalid input: expected boolean, received string (got "maybe")']],
    [
      '[waptwua]\n\nallowed_kbs=KB1',
      ['line 3: allowed_kbs: not a KB number: expected five to eight digits as in KB5034441 (got "KB1")'],
    ],
    [
      '[waptwua]\nallowed_severities=Critical,high',
      [
        'line 2: allowed_severities: Invalid option: expected one of "Critical"|"Important"|"Moderate"|"Low" (got "high")',
      ],
    ],
    [
      '[waptwua]\ninstall_delay=soon',
      [
        'line 2: install_delay: not a duration: expected one as in 7d, 12h or 90m; without a unit it is days (got "soon")',
      ],
    ],
    ['[waptwua]\ninstall_delay=99999d', ['line 2: install_delay: "99999d" is longer than ten years']],
  ])('%j is refused with its line', (text, faults) => {
    expect(importWapt(text, 'a')).toEqual({ success: false, faults });
  });
});

describe('waptwua_rules.json', () => {
  it('becomes the same', () => {
    const rules = {
      allowed_products: ['Windows 10'],
      allowed_classifications: null,
      allowed_severities: 'Critical,Low',
      forbidden_kbs: ['KB5034441'],
      default_allow: false,
      include_potentially_superseded_updates: true,
    };
    expect(importWapt(JSON.stringify(rules), 'wsus')).toEqual({
      success: true,
      package: {
        name: 'wsus',
        priority: 0,
        rules: [],
        wapt: { forbiddenKbs: ['5034441'], allowedProducts: ['Windows 10'], allowedSeverities: ['Critical', 'Low'] },
        settings: { defaultAllow: false },
      },
      notes: [
        'not taken over: include_potentially_superseded_updates = true: an update is superseded when its successor is allowed or installed',
      ],
    });
  });

  it.each([
    ['[]', 'expected an object with the lists of WAPT'],
    ['{"allowed_kbs": }', 'not JSON: '],
    ['{"allowed_kbs": [7]}', 'allowed_kbs: not a KB number'],
    ['{"allowed_kbs": {"a": 1}}', 'allowed_kbs: '],
  ])('%s is refused', (text, fault) => {
    const imported = importWapt(text, 'a');
    expect(imported).toMatchObject({ success: false, faults: [expect.stringContaining(fault)] });
  });
});
