import { checkOperators, op } from '#test/kit/operators.ts';
import type { HostState } from './host-state.ts';

const windows = (version: string, productType = 1, more: object = {}): HostState => ({
  windows: { version, productType, ...more },
});
const windows10 = windows('10.0.19045.3000', 1, { suiteMask: 256 });
const listed = <Value>(complete: boolean, entries: Record<string, Value>) => ({ complete, values: entries });

checkOperators([
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
]);
