import { checkOperators, op, withTexts } from '#test/kit/operators.ts';
import type { HostState } from './host-state.ts';
import type { ApplicabilityRules, CbsParentPackage } from './model.ts';

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

checkOperators([
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
]);
