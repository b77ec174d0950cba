import { describe, expect, it } from 'vitest';
import { evaluateRule } from './evaluate.ts';
import { HostFacts } from './host-facts.ts';
import type { HostState, RegistryData } from './host-state.ts';
import { makeRule } from './make-rule.ts';
import type { ApplicabilityRules, CbsParentPackage, Rule } from './model.ts';

/** An operator as a fragment writes it. */
const op = (name: string, attributes: Readonly<Record<string, string>> = {}, ...rules: readonly Rule[]): Rule =>
  makeRule({ name, attributes: new Map(Object.entries(attributes)), rules, texts: [] });
const withTexts = (name: string, texts: Readonly<Record<string, string>>, attributes = {}): Rule =>
  makeRule({
    name,
    attributes: new Map(Object.entries(attributes)),
    rules: [],
    texts: Object.entries(texts).map(([text, value]) => ({ name: text, text: value })),
  });
const values = (rule: Rule, states: readonly HostState[], rules: ApplicabilityRules = {}): (boolean | undefined)[] =>
  states.map((state) => evaluateRule(rule, rules, new HostFacts(state)).value);

const key = { Key: 'HKEY_LOCAL_MACHINE', Subkey: 'SOFTWARE\\A' };
const value = { ...key, Value: 'V' };
const text = (data: string, type: RegistryData['type'] = 'REG_SZ'): RegistryData => ({ type, data });
const word = (data: number): RegistryData => ({ type: 'REG_DWORD', data });
/** A described registry with `V` in `SOFTWARE\A`, or without it. */
const registry = (data?: RegistryData, complete = true): HostState => ({
  registry: { complete, keys: { 'software\\a\\': data === undefined ? {} : { v: data } } },
});
const loopOver = (complete: boolean, ...data: readonly RegistryData[]): HostState => ({
  registry: {
    complete,
    keys: Object.fromEntries(data.map((each, number) => [`SOFTWARE\\A\\${number}\\Setup`, { V: each }])),
  },
});
const inLoop = op('b.RegDword', {
  Key: 'HKEY_LOOP_TARGET',
  Subkey: '\\Setup',
  Value: 'V',
  Comparison: 'EqualTo',
  Data: '1',
});
const loop = (trueIf: string): Rule => op('b.RegKeyLoop', { ...key, TrueIf: trueIf }, inLoop);

const file = { Path: 'drivers\\a.sys', Csidl: '37' };
const files = (description?: object, complete = true): HostState => ({
  files: {
    complete,
    files: description === undefined ? {} : { 'C:\\WINDOWS\\system32\\Drivers\\A.sys': description },
    folders: { 37: 'C:\\Windows\\System32\\' },
  },
});
const prepended = { Path: '\\drivers\\a.sys', ...value };
const both = (description: object | undefined, data?: RegistryData): HostState => ({
  ...files(description),
  ...registry(data),
});
const system32 = text('C:\\Windows\\System32');
const old = '2020-01-01T00:00:00Z';
const young = '2021-01-01T00:00:00Z';

const windows = (version: string, productType = 1, more: object = {}): HostState => ({
  windows: { version, productType, ...more },
});
const windows10 = windows('10.0.19045.3000', 1, { suiteMask: 256 });
const listed = <Value>(complete: boolean, entries: Record<string, Value>) => ({ complete, values: entries });

const code = '{0DAD2A89-CF75-4448-97AF-72C7CC18B8A5}';
const bare = '0dad2a89-cf75-4448-97af-72c7cc18b8a5';
const patch = '{e1d63391-7da5-442c-beab-cee5b046a22d}';
const msi = (product?: object, complete = true): HostState => ({
  msi: { complete, products: product === undefined ? [] : [{ productCode: code.toLowerCase(), ...product }] },
});
const patched: ApplicabilityRules = {
  msiPatch: { patchCode: 'e1d63391-7da5-442c-beab-cee5b046a22d', targets: [bare] },
};

const identity = 'Package_for_KB1~31bf3856ad364e35~amd64~~6.1.2.0';
const parent = 'Microsoft-Windows-Client-Features-Package~31bf3856ad364e35~amd64~~6.1.7601.17514';
const cbs = (packages: readonly string[], complete = true): HostState => ({
  cbs: { complete, packages, servicingStack: '6.1.7601.17514' },
});
const manifest: ApplicabilityRules = {
  cbs: {
    identity: {
      name: 'Package_for_KB1',
      publicKeyToken: '31bf3856ad364e35',
      architecture: 'amd64',
      language: 'neutral',
      version: '6.1.2.0',
    },
    parents: [
      {
        identity: {
          name: 'microsoft-windows-client-features-package',
          publicKeyToken: '31bf3856ad364e35',
          architecture: 'AMD64',
          language: '',
          version: '6.1.7601.17000',
        },
        buildCompare: 'EQ',
        revisionCompare: 'GE',
      },
    ],
    installerVersion: [6, 0, 0, 0],
  },
};

/** The manifest with a parent of version 6.1.7601.17000 that is compared in this way. */
const comparing = (compare: Partial<CbsParentPackage>): ApplicabilityRules => ({
  cbs: {
    identity: { name: 'P', publicKeyToken: '', architecture: 'amd64', language: '', version: '6.1.2.0' },
    parents: (manifest.cbs?.parents ?? []).map(({ identity }) => ({ identity, ...compare })),
  },
});
const withParent = (version: string): HostState => cbs([parent.replace('6.1.7601.17514', version)]);

interface Case {
  readonly yes: readonly HostState[];
  readonly no: readonly HostState[];
  readonly unknown: readonly HostState[];
  readonly rules?: ApplicabilityRules;
}

/** Every operator that occurs in the samples, on hosts where it is true, where it is false, and where nobody knows. */
const cases: readonly (readonly [name: string, rule: Rule, Case])[] = [
  [
    'b.RegKeyExists',
    op('b.RegKeyExists', key),
    {
      yes: [registry(), registry(word(1), false), { registry: { complete: true, keys: { 'Software\\a\\b': {} } } }],
      no: [{ registry: { complete: true, keys: {} } }],
      unknown: [{}, { registry: { complete: false, keys: {} } }],
    },
  ],
  [
    'b.RegKeyExists, 32-bit view',
    op('b.RegKeyExists', { ...key, RegType32: 'true' }),
    {
      yes: [
        { ...registry(), processor: { architecture: 0 } },
        { registry: { complete: true, keys: { 'SOFTWARE\\WOW6432Node\\A': {} } }, processor: { architecture: 9 } },
      ],
      no: [{ ...registry(), processor: { architecture: 9 } }],
      unknown: [registry()],
    },
  ],
  [
    'b.RegValueExists',
    op('b.RegValueExists', { ...value, Type: 'REG_SZ' }),
    {
      yes: [registry(text('x'))],
      no: [registry(), registry(word(1)), { registry: { complete: true, keys: {} } }],
      unknown: [{}, registry(undefined, false)],
    },
  ],
  [
    'b.RegDword',
    op('b.RegDword', { ...value, Comparison: 'GreaterThanOrEqualTo', Data: '246' }),
    {
      yes: [registry(word(246)), registry(word(300))],
      no: [registry(word(245)), registry()],
      unknown: [{}, registry(text('300')), registry(undefined, false)],
    },
  ],
  [
    'b.RegSz',
    op('b.RegSz', { ...value, Comparison: 'EqualTo', Data: 'WLHPN' }),
    {
      yes: [registry(text('WLHPN'))],
      no: [registry(text('WLHP')), registry()],
      unknown: [{}, registry(text('wlhpn')), registry(word(1))],
    },
  ],
  [
    'b.RegSz BeginsWith',
    op('b.RegSz', { ...value, Comparison: 'BeginsWith', Data: '6.' }),
    { yes: [registry(text('6.1'))], no: [registry(text('16.1'))], unknown: [{}] },
  ],
  [
    'b.RegExpandSz',
    op('b.RegExpandSz', { ...value, Comparison: 'Contains', Data: 'True' }),
    {
      yes: [registry(text('isTrue', 'REG_EXPAND_SZ'))],
      no: [registry(text('no', 'REG_EXPAND_SZ')), registry()],
      unknown: [{}, registry(text('%True%', 'REG_EXPAND_SZ')), registry(text('True'))],
    },
  ],
  [
    'b.RegSzToVersion',
    op('b.RegSzToVersion', { ...value, Comparison: 'GreaterThanOrEqualTo', Data: '3.0.6005.0' }),
    {
      yes: [registry(text('3.0.6005.0')), registry(text('3.1'))],
      no: [registry(text('3.0.6004.9')), registry()],
      unknown: [{}, registry(text('three')), registry(word(3))],
    },
  ],
  [
    'b.RegSzToVersion LessThan, where nobody says what a missing value means',
    op('b.RegSzToVersion', { ...value, Comparison: 'LessThan', Data: '1.18.01965.249' }),
    { yes: [registry(text('1.18.1965.248'))], no: [registry(text('1.18.1965.249'))], unknown: [registry()] },
  ],
  [
    'b.RegKeyLoop Any',
    loop('Any'),
    {
      yes: [loopOver(true, word(0), word(1)), loopOver(false, word(1))],
      no: [loopOver(true, word(0)), loopOver(true)],
      unknown: [{}, loopOver(false, word(0)), loopOver(true, word(0), text('1'))],
    },
  ],
  [
    'b.RegKeyLoop All',
    loop('All'),
    {
      yes: [loopOver(true, word(1), word(1))],
      no: [loopOver(true, word(1), word(0)), loopOver(false, word(0))],
      unknown: [{}, loopOver(true), loopOver(false, word(1))],
    },
  ],
  [
    'b.RegKeyLoop None',
    loop('None'),
    {
      yes: [loopOver(true, word(0)), loopOver(true)],
      no: [loopOver(true, word(0), word(1)), loopOver(false, word(1))],
      unknown: [{}, loopOver(false, word(0))],
    },
  ],
  ['HKEY_LOOP_TARGET outside a loop', inLoop, { yes: [], no: [], unknown: [registry(word(1))] }],
  [
    'b.FileExists',
    op('b.FileExists', file),
    {
      yes: [files({}), files({}, false)],
      no: [files()],
      unknown: [{}, files(undefined, false), { files: { complete: true, files: {}, folders: {} } }],
    },
  ],
  [
    'b.FileExists with size, version and language',
    op('b.FileExists', { ...file, Size: '5', Version: '1.2.3.4', Language: '1041' }),
    {
      yes: [files({ size: 5, version: '1.2.3.4', language: 1041 })],
      no: [files({ size: 6 }), files({ language: 1033 }), files({ version: '1.2.3.5' }), files()],
      unknown: [files({ size: 5, version: '1.2.3.4' }), files({ size: 5, language: 1041 }), files({})],
    },
  ],
  [
    'b.FileExistsPrependRegSz',
    op('b.FileExistsPrependRegSz', prepended),
    {
      yes: [both({}, system32)],
      no: [both(undefined, system32), both({}), both({}, text('C:\\Elsewhere'))],
      unknown: [{}, files({}), both({}, text('%SystemRoot%\\System32', 'REG_EXPAND_SZ'))],
    },
  ],
  [
    'b.FileVersion',
    op('b.FileVersion', { ...file, Comparison: 'GreaterThanOrEqualTo', Version: '7.0.6000.374' }),
    {
      yes: [files({ version: '7.0.6000.374' }), files({ version: '10.0.0.0' })],
      no: [files({ version: '7.0.6000.373' }), files()],
      unknown: [{}, files({})],
    },
  ],
  [
    'b.FileVersionPrependRegSz',
    op('b.FileVersionPrependRegSz', { ...prepended, Comparison: 'LessThan', Version: '2.0.0.0' }),
    {
      yes: [both({ version: '1.9.9.9' }, system32)],
      no: [both({ version: '2.0.0.0' }, system32), both(undefined, system32)],
      unknown: [{}, both({}, system32)],
    },
  ],
  [
    'b.FileSize',
    op('b.FileSize', { ...file, Comparison: 'GreaterThan', Size: '100' }),
    { yes: [files({ size: 101 })], no: [files({ size: 100 }), files()], unknown: [{}, files({})] },
  ],
  [
    'b.FileModified',
    op('b.FileModified', { ...file, Comparison: 'GreaterThanOrEqualTo', Modified: '2020-06-30T14:50:16.0000000Z' }),
    { yes: [files({ modified: young })], no: [files({ modified: old }), files()], unknown: [{}, files({})] },
  ],
  [
    'b.FileCreatedPrependRegSz',
    op('b.FileCreatedPrependRegSz', { ...prepended, Comparison: 'LessThan', Created: '2020-06-30T00:00:01.0000000Z' }),
    {
      yes: [both({ created: old }, system32)],
      no: [both({ created: young }, system32), both({ created: old })],
      unknown: [{}, both({}, system32)],
    },
  ],
  [
    'b.WindowsVersion EqualTo',
    op('b.WindowsVersion', { Comparison: 'EqualTo', MajorVersion: '6', MinorVersion: '2', ProductType: '1' }),
    {
      yes: [windows('6.2.9200.1')],
      no: [windows('6.3.9600.1'), windows('6.2.9200.1', 3)],
      unknown: [{}],
    },
  ],
  [
    'b.WindowsVersion without a comparison means EqualTo',
    op('b.WindowsVersion', { BuildNumber: '9200', ServicePackMajor: '1' }),
    {
      yes: [windows('6.2.9200.1', 1, { servicePackMajor: 1 })],
      no: [windows('6.2.9200.1'), windows('6.2.9201.1', 1, { servicePackMajor: 1 })],
      unknown: [{}],
    },
  ],
  [
    'b.WindowsVersion GreaterThanOrEqualTo, from the left',
    op('b.WindowsVersion', { Comparison: 'GreaterThanOrEqualTo', MajorVersion: '6', MinorVersion: '3' }),
    { yes: [windows('6.3.9600.0'), windows('10.0.1.0')], no: [windows('6.1.7601.0')], unknown: [{}] },
  ],
  [
    'b.WindowsVersion with a build, which may or may not join the comparison from the left',
    op('b.WindowsVersion', {
      Comparison: 'GreaterThanOrEqualTo',
      MajorVersion: '6',
      MinorVersion: '1',
      BuildNumber: '14393',
    }),
    {
      yes: [windows('10.0.14393.0'), windows('6.1.14393.0')],
      no: [windows('6.1.7601.0')],
      unknown: [windows('10.0.10240.0'), windows('6.3.9600.0')],
    },
  ],
  [
    'b.WindowsVersion with all of several suites',
    op('b.WindowsVersion', { AllSuitesMustBePresent: 'true', SuiteMask: '272' }),
    { yes: [windows('6.1.1.1', 3, { suiteMask: 272 })], no: [windows10], unknown: [{}, windows('6.1.1.1')] },
  ],
  [
    'b.WindowsVersion with one of several suites',
    op('b.WindowsVersion', { SuiteMask: '272', ProductType: '1' }),
    { yes: [windows10], no: [windows('6.1.1.1', 1, { suiteMask: 2 }), windows('6.1.1.1', 3)], unknown: [{}] },
  ],
  [
    'b.Processor',
    op('b.Processor', { Architecture: '9' }),
    { yes: [{ processor: { architecture: 9 } }], no: [{ processor: { architecture: 12 } }], unknown: [{}] },
  ],
  [
    'b.Processor with level and revision',
    op('b.Processor', { Architecture: '9', Level: '6', Revision: '1' }),
    {
      yes: [{ processor: { architecture: 9, level: 6, revision: 1 } }],
      no: [{ processor: { architecture: 9, level: 5 } }, { processor: { architecture: 0 } }],
      unknown: [{ processor: { architecture: 9, level: 6 } }],
    },
  ],
  [
    'b.Platform',
    op('b.Platform', { PlatformID: 'Windows' }),
    { yes: [{ platform: 'Windows' }], no: [{ platform: 'Other' }], unknown: [{}, { platform: 'windows' }] },
  ],
  [
    'b.WindowsLanguage',
    op('b.WindowsLanguage', { Language: 'ro-ro' }),
    {
      yes: [{ language: { system: 'ro-RO', mui: [] } }],
      no: [{ language: { system: 'en-us', mui: [] } }, { language: { system: 'ro-ro', mui: ['en-us'] } }],
      unknown: [{}, { language: { system: 'ro', mui: [] } }],
    },
  ],
  [
    'b.MuiInstalled',
    op('b.MuiInstalled'),
    {
      yes: [{ language: { system: 'en-us', mui: ['de-de'] } }],
      no: [{ language: { system: 'en-us', mui: [] } }],
      unknown: [{}],
    },
  ],
  [
    'b.MuiLanguageInstalled',
    op('b.MuiLanguageInstalled', { Language: 'de-de' }),
    {
      yes: [{ language: { system: 'en-us', mui: ['fr-fr', 'de-DE'] } }],
      no: [{ language: { system: 'de-de', mui: [] } }],
      unknown: [{}, { language: { system: 'en-us', mui: ['de'] } }],
    },
  ],
  [
    'b.SystemMetric',
    op('b.SystemMetric', { Index: '86', Comparison: 'EqualTo', Value: '0' }),
    {
      yes: [{ systemMetrics: listed(true, {}) }, { systemMetrics: listed(false, { 86: 0 }) }],
      no: [{ systemMetrics: listed(true, { 86: 1 }) }],
      unknown: [{}, { systemMetrics: listed(false, {}) }],
    },
  ],
  [
    'b.LicenseDword',
    op('b.LicenseDword', { Value: 'Kernel-ProductInfo', Comparison: 'EqualTo', Data: '30' }),
    {
      yes: [{ licenses: listed(false, { 'kernel-productinfo': 30 }) }],
      no: [{ licenses: listed(false, { 'Kernel-ProductInfo': 48 }) }, { licenses: listed(true, {}) }],
      unknown: [{}, { licenses: listed(false, {}) }],
    },
  ],
  [
    'b.WmiQuery',
    op('b.WmiQuery', { Namespace: 'root\\cimv2', WqlQuery: 'SELECT Name FROM Win32_Battery' }),
    {
      yes: [{ wmi: [{ namespace: 'ROOT\\CIMV2', query: 'select Name from Win32_Battery', found: true }] }],
      no: [{ wmi: [{ namespace: 'root\\cimv2', query: 'SELECT Name FROM Win32_Battery', found: false }] }],
      unknown: [{}, { wmi: [] }],
    },
  ],
  [
    'DeviceAttribute, String',
    op('DeviceAttribute', { Name: 'OSSkuId', Type: 'String', Comparison: 'EqualTo', Value: '119' }),
    {
      yes: [{ deviceAttributes: listed(false, { osskuid: '119' }) }],
      no: [{ deviceAttributes: listed(true, {}) }, { deviceAttributes: listed(false, { OSSkuId: '48' }) }],
      unknown: [{}, { deviceAttributes: listed(false, {}) }],
    },
  ],
  [
    'DeviceAttribute, Version: OSVersion is that of Windows',
    op('DeviceAttribute', { Name: 'OSVersion', Type: 'Version', Comparison: 'LessThan', Value: '10.0.19046.0' }),
    {
      yes: [windows10, { deviceAttributes: listed(false, { OSVersion: '10.0.19045.1' }) }],
      no: [windows('10.0.26100.1')],
      unknown: [{}, { deviceAttributes: listed(true, {}) }, { deviceAttributes: listed(true, { OSVersion: 'x' }) }],
    },
  ],
  [
    'CbsPackageInstalledByIdentity',
    op('CbsPackageInstalledByIdentity', { PackageIdentity: identity }),
    {
      yes: [cbs([identity.toUpperCase()]), cbs([identity], false)],
      no: [cbs([]), cbs([identity.replace('6.1.2.0', '6.1.3.0')]), cbs([identity.replace('amd64', 'x86')])],
      unknown: [{}, cbs([], false)],
    },
  ],
  [
    'CbsPackageInstalled',
    op('CbsPackageInstalled'),
    { yes: [cbs([identity])], no: [cbs([parent])], unknown: [{}, cbs([], false)], rules: manifest },
  ],
  ['CbsPackageInstalled without a manifest', op('CbsPackageInstalled'), { yes: [], no: [], unknown: [cbs([])] }],
  [
    'CbsPackageInstallable',
    op('CbsPackageInstallable'),
    {
      yes: [cbs([parent]), cbs([parent.replace('17514', '18000')])],
      no: [
        cbs([]),
        cbs([parent.replace('17514', '16999')]),
        cbs([parent.replace('7601', '7602')]),
        cbs([parent.replace('amd64', 'x86')]),
        cbs([parent, identity.replace('6.1.2.0', '6.1.2.1')]),
        { cbs: { complete: true, packages: [parent], servicingStack: '5.9.9.9' } },
        { cbs: { complete: false, packages: [identity.replace('6.1.2.0', '6.1.2.1')] } },
      ],
      unknown: [{}, cbs([parent], false), { cbs: { complete: true, packages: [parent] } }],
      rules: manifest,
    },
  ],
  [
    'CbsPackageInstallable, of a parent that does not say how its build is compared',
    op('CbsPackageInstallable'),
    {
      yes: [withParent('6.1.7601.17000'), withParent('6.1.7601.18000')],
      no: [withParent('6.1.7601.16999'), withParent('6.1.7600.18000'), withParent('6.2.7601.17000'), cbs([])],
      unknown: [{}, withParent('6.1.7602.1'), cbs([], false)],
      rules: comparing({ revisionCompare: 'GE' }),
    },
  ],
  [
    'CbsPackageInstallable, of a parent that does not say how it is compared',
    op('CbsPackageInstallable'),
    {
      yes: [withParent('6.1.7601.17000')],
      no: [withParent('6.1.7601.16999'), cbs([])],
      unknown: [withParent('6.1.7601.17001'), withParent('6.1.7602.17000')],
      rules: comparing({}),
    },
  ],
  [
    'CbsPackageInstallable, of a parent that says what is not evaluated',
    op('CbsPackageInstallable'),
    {
      yes: [],
      no: [cbs(['P~~amd64~~6.1.2.1'])],
      unknown: [withParent('6.1.7601.17000'), cbs([])],
      rules: comparing({ buildCompare: 'EQ', revisionCompare: 'GE', unread: 'disposition is "absent"' }),
    },
  ],
  [
    'ProductReleaseInstalled',
    op('ProductReleaseInstalled', { Name: 'Server.OS.amd64', Version: '10.0.26100.4349' }),
    {
      yes: [{ productReleases: listed(false, { 'server.os.AMD64': '10.0.26100.5000' }) }],
      no: [
        { productReleases: listed(true, {}) },
        { productReleases: listed(false, { 'Server.OS.amd64': '10.0.26100.4348' }) },
      ],
      unknown: [
        {},
        { productReleases: listed(false, {}) },
        // Whether a later build has what an earlier one got is documented nowhere.
        { productReleases: listed(true, { 'Server.OS.amd64': '10.0.27000.1' }) },
      ],
    },
  ],
  [
    'ProductReleaseVersion',
    op('ProductReleaseVersion', { Name: 'mde.wsl.amd64', Version: '0.0.0.0', Comparison: 'greaterthan' }),
    {
      yes: [{ productReleases: listed(false, { 'mde.wsl.amd64': '0.0.0.1' }) }],
      no: [{ productReleases: listed(true, {}) }],
      unknown: [{}, { productReleases: listed(false, {}) }],
    },
  ],
  [
    'm.MsiProductInstalled',
    op('m.MsiProductInstalled', { ProductCode: code }),
    { yes: [msi({})], no: [msi()], unknown: [{}, msi(undefined, false)] },
  ],
  [
    'm.MsiProductInstalled with bounds and language',
    op('m.MsiProductInstalled', {
      ProductCode: code,
      VersionMin: '3.0',
      VersionMax: '4.0.0',
      ExcludeVersionMax: 'true',
      Language: '1033',
    }),
    {
      yes: [msi({ version: '3.0.0', language: 1033 }), msi({ version: '3.9', language: 1033 })],
      no: [msi({ version: '4.0', language: 1033 }), msi({ version: '2.9' }), msi({ version: '3.0', language: 1031 })],
      unknown: [msi({ version: '3.0' }), msi({ language: 1033 }), msi({})],
    },
  ],
  [
    'm.MsiFeatureInstalledForProduct',
    withTexts('m.MsiFeatureInstalledForProduct', { 'm.Feature': 'HeadNode', 'm.Product': code }),
    {
      yes: [msi({ features: ['HeadNode', 'B'] })],
      no: [msi({ features: ['B'] }), msi()],
      unknown: [{}, msi({})],
    },
  ],
  [
    'm.MsiComponentInstalledForProduct',
    withTexts(
      'm.MsiComponentInstalledForProduct',
      { 'm.Component': '{AB184CEE-929D-40DA-9BF9-FBC787900692}', 'm.Product': code },
      { AllComponentsRequired: 'true', AllProductsRequired: 'true' },
    ),
    {
      yes: [msi({ components: ['ab184cee-929d-40da-9bf9-fbc787900692'] })],
      no: [msi({ components: [] }), msi()],
      unknown: [{}, msi({})],
    },
  ],
  [
    'm.MsiPatchInstalledForProduct',
    op('m.MsiPatchInstalledForProduct', { PatchCode: patch, ProductCode: code }),
    { yes: [msi({ patches: [patch] })], no: [msi({ patches: [] }), msi()], unknown: [{}, msi({})] },
  ],
  [
    'm.MsiPatchInstalled',
    op('m.MsiPatchInstalled'),
    { yes: [msi({ patches: [patch] })], no: [msi({ patches: [] }), msi()], unknown: [{}, msi({})], rules: patched },
  ],
  [
    'm.MsiPatchInstallable',
    op('m.MsiPatchInstallable'),
    { yes: [], no: [msi()], unknown: [{}, msi({ patches: [] })], rules: patched },
  ],
  [
    'm.MsiPatchSuperseded',
    op('m.MsiPatchSuperseded'),
    { yes: [], no: [msi()], unknown: [{}, msi({ patches: [] })], rules: patched },
  ],
  ['True', op('True'), { yes: [{}], no: [], unknown: [] }],
  ['False', op('False'), { yes: [], no: [{}], unknown: [] }],
  ['an operator that is not evaluated', op('b.Memory', {}), { yes: [], no: [], unknown: [{}] }],
];

/**
 * The states in which one thing less is known than in this one: a part, a detail of a part, or that a part is complete.
 * (A list that says it is complete must keep all its entries, or it would say something else.)
 */
function withLess(state: HostState): HostState[] {
  const without = <Part extends object>(part: Part, name: string): Part => {
    const copy = { ...part };
    Reflect.deleteProperty(copy, name);
    return copy;
  };
  return Object.entries(state).flatMap(([name, part]): HostState[] => {
    const less: HostState[] = [without(state, name)];
    if (typeof part !== 'object') return less;
    if ('complete' in part) less.push({ ...state, [name]: { ...part, complete: false } });
    for (const detail of ['suiteMask', 'level', 'revision', 'servicingStack']) {
      if (detail in part) less.push({ ...state, [name]: without(part, detail) });
    }
    if (name === 'files' && state.files !== undefined) {
      for (const [path, file] of Object.entries(state.files.files)) {
        for (const detail of Object.keys(file)) {
          less.push({ ...state, files: { ...state.files, files: { [path]: without(file, detail) } } });
        }
      }
    }
    if (name === 'msi' && state.msi !== undefined) {
      for (const product of state.msi.products) {
        for (const detail of Object.keys(product).filter((each) => each !== 'productCode')) {
          less.push({ ...state, msi: { ...state.msi, products: [without(product, detail)] } });
        }
      }
    }
    return less;
  });
}

describe('an operator', () => {
  it.each(cases)('%s', (_name, rule, { yes, no, unknown, rules }) => {
    expect(values(rule, yes, rules), 'true').toEqual(yes.map(() => true));
    expect(values(rule, no, rules), 'false').toEqual(no.map(() => false));
    expect(values(rule, unknown, rules), 'unknown').toEqual(unknown.map(() => undefined));
  });

  it.each(cases)(
    '%s: what is decided stays so when more gets known',
    (_name, rule, { yes, no, unknown, rules = {} }) => {
      for (const state of [...yes, ...no, ...unknown]) {
        const full = evaluateRule(rule, rules, new HostFacts(state)).value;
        for (const less of withLess(state)) {
          const { value: decided } = evaluateRule(rule, rules, new HostFacts(less));
          if (decided !== undefined) expect(decided, JSON.stringify(less)).toBe(full);
        }
      }
    },
  );

  it('that is unknown is named, with what is not known', () => {
    const rule = op('b.RegDword', { ...value, Comparison: 'EqualTo', Data: '1' });
    expect(evaluateRule(rule, {}, new HostFacts({})).unknown).toEqual([
      { operator: 'b.RegDword', about: 'SOFTWARE\\A: V' },
    ]);
    expect(evaluateRule(rule, {}, new HostFacts(registry(word(1)))).unknown).toEqual([]);
  });
});

describe('an operator that makes no sense is kept with the reason', () => {
  it.each([
    ['no subkey', op('b.RegKeyExists', { Key: 'HKEY_LOCAL_MACHINE' }), 'Subkey is missing, allowed is a text'],
    ['a root that the schema lacks', op('b.RegKeyExists', { ...key, Key: 'HKEY_USERS' }), 'Key is "HKEY_USERS"'],
    ['a number that is none', op('b.RegDword', { ...value, Comparison: 'EqualTo', Data: 'x' }), 'Data is "x", allowed'],
    [
      'a comparison that is none',
      op('b.RegDword', { ...value, Comparison: 'Near', Data: '1' }),
      'LessThan, LessThanOr',
    ],
    [
      'a time without a zone',
      op('b.FileModified', { ...file, Comparison: 'EqualTo', Modified: old.slice(0, -1) }),
      'zone',
    ],
    ['a package that is none', op('CbsPackageInstalledByIdentity', { PackageIdentity: 'a~b' }), 'name~token'],
    ['two faults', op('b.SystemMetric', { Comparison: 'EqualTo' }), /Index is missing.*; Value is missing/],
    ['an empty And', op('And'), 'no rule inside'],
    ['a Not of two', op('Not', {}, op('True'), op('True')), '2 rules inside'],
    ['a product that is no GUID', withTexts('m.MsiFeatureInstalledForProduct', { 'm.Product': 'x' }), 'GUIDs'],
  ])('%s', (_what, rule, reason) => {
    expect(rule).toMatchObject({ op: 'invalid', reason: expect.stringMatching(reason) });
    expect(evaluateRule(rule, {}, new HostFacts({})).value).toBeUndefined();
  });

  it('and so is one with an attribute whose meaning is not known', () => {
    const rule = op('b.Processor', { Architecture: '9', Cores: '4' });
    expect(rule).toEqual({ op: 'unsupported', name: 'b.Processor', reason: 'its attribute Cores is not evaluated' });
    expect(op('True', {}, op('False'))).toMatchObject({ op: 'unsupported', reason: expect.stringContaining('inside') });
  });
});
