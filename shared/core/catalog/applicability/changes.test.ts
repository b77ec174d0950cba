import { describe, expect, it } from 'vitest';
import { applyChanges, changesToInstall, type StateChange } from './changes.ts';
import { evaluateRule } from './evaluate.ts';
import { HostFacts } from './host-facts.ts';
import type { HostState } from './host-state.ts';
import type { ApplicabilityRules, CbsIdentity, RegistryValueName, Rule } from './model.ts';

const value = (name: string, view32 = false): RegistryValueName => ({
  root: 'machine',
  subkey: 'SOFTWARE\\A',
  view32,
  value: name,
});
const identity: CbsIdentity = {
  name: 'Package_for_KB1',
  publicKeyToken: '31bf3856ad364e35',
  architecture: 'amd64',
  language: 'neutral',
  version: '6.1.1.6',
};
const product = '0dad2a89-cf75-4448-97af-72c7cc18b8a5';
const patch = 'e1d63391-7da5-442c-beab-cee5b046a22d';
const host: HostState = {
  windows: { version: '10.0.26100.1742', productType: 1 },
  processor: { architecture: 9 },
  registry: { complete: true, keys: { 'Software\\a': { old: { type: 'REG_DWORD', data: 5 } } } },
  cbs: { complete: true, packages: [] },
  productReleases: { complete: true, values: { 'client.os': '10.0.26100.1742', 'NetFX.amd64': '2400.1.1.1' } },
  msi: { complete: true, products: [{ productCode: `{${product.toUpperCase()}}`, patches: [] }] },
};
const install = (isInstalled: Rule | undefined, more: ApplicabilityRules = {}): readonly StateChange[] =>
  changesToInstall('u', isInstalled === undefined ? more : { ...more, isInstalled }, host);
const noted: readonly StateChange[] = [{ kind: 'installed-update', updateId: 'u' }];

const packageInstalled: Rule = { op: 'CbsPackageInstalled' };
const isDword = (name: string, data: number): Rule => ({
  op: 'b.RegDword',
  value: value(name),
  comparison: 'EqualTo',
  data,
});

describe('an installation changes what makes the rule true', () => {
  const cbs = { cbs: { identity, parents: [] } };
  const cases: readonly [string, Rule, ApplicabilityRules, readonly StateChange[]][] = [
    [
      'the package of the manifest',
      packageInstalled,
      cbs,
      [{ kind: 'cbs-package', identity: 'Package_for_KB1~31bf3856ad364e35~amd64~~6.1.1.6' }],
    ],
    [
      'a package by its identity',
      { op: 'CbsPackageInstalledByIdentity', identity: { ...identity, language: 'de-DE' } },
      {},
      [{ kind: 'cbs-package', identity: 'Package_for_KB1~31bf3856ad364e35~amd64~de-DE~6.1.1.6' }],
    ],
    [
      'a release',
      { op: 'ProductReleaseInstalled', name: 'Client.OS', version: [10, 0, 26100, 4349] },
      {},
      [{ kind: 'product-release', name: 'Client.OS', version: '10.0.26100.4349' }],
    ],
    [
      'a number in the registry',
      { op: 'b.RegDword', value: value('N'), comparison: 'GreaterThanOrEqualTo', data: 7 },
      {},
      [{ kind: 'registry-value', key: 'software\\a', name: 'N', value: { type: 'REG_DWORD', data: 7 } }],
    ],
    [
      'a text in the 32-bit registry',
      { op: 'b.RegSz', value: value('T', true), comparison: 'EqualTo', data: 'x' },
      {},
      [{ kind: 'registry-value', key: 'software\\wow6432node\\a', name: 'T', value: { type: 'REG_SZ', data: 'x' } }],
    ],
    [
      'a version in the registry',
      { op: 'b.RegSzToVersion', value: value('V'), comparison: 'GreaterThanOrEqualTo', data: [5, 120, 0, 0] },
      {},
      [{ kind: 'registry-value', key: 'software\\a', name: 'V', value: { type: 'REG_SZ', data: '5.120.0.0' } }],
    ],
    [
      'a patch on the products that are there',
      { op: 'm.MsiPatchInstalled' },
      { msiPatch: { patchCode: patch, targets: [product, '1dad2a89-cf75-4448-97af-72c7cc18b8a5'] } },
      [{ kind: 'msi-patch', product, patch }],
    ],
    [
      'all of several, but for what is true already',
      { op: 'And', rules: [packageInstalled, { op: 'Not', rule: isDword('LCUReoffer', 1) }, isDword('New', 1)] },
      cbs,
      [
        { kind: 'cbs-package', identity: 'Package_for_KB1~31bf3856ad364e35~amd64~~6.1.1.6' },
        { kind: 'registry-value', key: 'software\\a', name: 'New', value: { type: 'REG_DWORD', data: 1 } },
      ],
    ],
    [
      'the first of several that can be made true',
      {
        op: 'Or',
        rules: [{ op: 'b.Processor', architecture: 0 }, isDword('First', 1), isDword('Second', 1)],
      },
      {},
      [{ kind: 'registry-value', key: 'software\\a', name: 'First', value: { type: 'REG_DWORD', data: 1 } }],
    ],
    ['nothing, when it is installed already', isDword('OLD', 5), {}, []],
  ];
  it.each(cases)('%s', (_name, rule, rules, changes) => {
    expect(install(rule, rules)).toEqual(changes);
    const after = new HostFacts(applyChanges(host, changes));
    expect(evaluateRule(rule, { ...rules, isInstalled: rule }, after).value).toBe(true);
  });
});

describe('an installation is only noted', () => {
  it.each<[string, Rule | undefined]>([
    ['without a rule', undefined],
    ['when the rule cannot be made true', { op: 'False' }],
    ['when it asks for what no update changes', { op: 'b.Processor', architecture: 0 }],
    ['when part of it cannot', { op: 'And', rules: [isDword('N', 1), { op: 'b.MuiInstalled' }] }],
    ['when its parts contradict each other', { op: 'And', rules: [isDword('N', 1), isDword('N', 2)] }],
    ['when something would have to go away', { op: 'Not', rule: isDword('old', 5) }],
    ['when it is about a package and there is no manifest', packageInstalled],
  ])('%s', (_name, rule) => {
    expect(install(rule)).toEqual(noted);
    expect(applyChanges(host, noted).installedUpdates).toEqual(['u']);
  });
});

describe('changes', () => {
  it('of a release go with Windows itself, upwards only, and leave other releases alone', () => {
    const raise = (name: string, version: string): HostState =>
      applyChanges(host, [{ kind: 'product-release', name, version }]);
    expect(raise('Client.OS', '10.0.26100.4349')).toMatchObject({
      windows: { version: '10.0.26100.4349' },
      productReleases: { values: { 'client.os': '10.0.26100.4349' } },
    });
    expect(raise('Client.OS', '10.0.26100.1000')).toBe(host);
    expect(raise('NetFX.amd64', '2400.2.1.1').windows).toBe(host.windows);
    // A release that the host did not have, older than the Windows that it has.
    const older = raise('Server.OS', '10.0.26100.1000');
    expect(older.productReleases?.values).toMatchObject({ 'Server.OS': '10.0.26100.1000' });
    expect(older.windows).toBe(host.windows);
  });

  it('replace a value whatever the case of its key and name', () => {
    const after = applyChanges(host, [
      { kind: 'registry-value', key: 'SOFTWARE\\A', name: 'OLD', value: { type: 'REG_DWORD', data: 6 } },
    ]);
    expect(after.registry?.keys).toEqual({ 'Software\\a': { old: { type: 'REG_DWORD', data: 6 } } });
  });

  it('done twice are done once', () => {
    const all: StateChange[] = [
      { kind: 'cbs-package', identity: 'A~b~amd64~~1.0.0.0' },
      { kind: 'msi-patch', product, patch },
      ...noted,
    ];
    expect(applyChanges(host, [...all, ...all])).toEqual(applyChanges(host, all));
  });
});
