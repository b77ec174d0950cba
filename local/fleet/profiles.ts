import { type Detectoid, detectoids, type Product, products } from '../upstream/windows-ids.ts';

/**
 * A kind of machine: what its hosts declare of themselves, because the rules of the index (registry, files, WMI) are not
 * evaluated on simulated machines.
 */
export interface Profile {
  readonly key: string;
  /** Beginning of host names. */
  readonly prefix: 'pc' | 'srv';
  /** Caption of the operating system. */
  readonly os: string;
  readonly osVersion: string;
  readonly architecture: 'amd64' | 'x86';
  /** UpdateIds of the product and of the detectoids that hold on it. */
  readonly detectoids: readonly string[];
  readonly cbsPackages: readonly { readonly name: string; readonly version: string }[];
}

const holds = (product: Product, ...names: readonly Detectoid[]): string[] => [
  products[product],
  ...names.map((name) => detectoids[name]),
];

/** The packages that Windows 7 SP1 has, and Server 2008 R2 SP1 has besides (name and version as in Microsoft's manifests). */
const nt61 = (kind: 'Client' | 'Server') => [
  { name: `Microsoft-Windows-${kind}-Features-Package`, version: '6.1.7601.17514' },
];
const edition = (kind: 'Professional' | 'ServerStandard', version: string) => [
  { name: `Microsoft-Windows-${kind}Edition`, version },
];

/** The kinds of machines of the fleet, in the order in which hosts are handed out. */
export const profiles: readonly Profile[] = [
  {
    key: 'windows11-24h2-x64',
    prefix: 'pc',
    os: 'Microsoft Windows 11 Pro',
    osVersion: '10.0.26100.6899',
    architecture: 'amd64',
    detectoids: holds('windows11', 'amd64', 'clientOsAmd64', 'windows10Rs3'),
    cbsPackages: edition('Professional', '10.0.26100.1'),
  },
  {
    key: 'windows10-22h2-x64',
    prefix: 'pc',
    os: 'Microsoft Windows 10 Pro',
    osVersion: '10.0.19045.6456',
    architecture: 'amd64',
    detectoids: holds('windows10', 'amd64', 'windows10v22h2', 'windows10Rs3'),
    // Windows 10 22H2 is 2004 with features switched on: its packages keep the build 19041.
    cbsPackages: edition('Professional', '10.0.19041.6456'),
  },
  {
    key: 'server2022-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2022 Standard',
    osVersion: '10.0.20348.4294',
    architecture: 'amd64',
    detectoids: holds('server2022', 'amd64', 'server2022', 'windows10Rs3'),
    cbsPackages: edition('ServerStandard', '10.0.20348.1'),
  },
  {
    key: 'windows7-sp1-x64',
    prefix: 'pc',
    os: 'Microsoft Windows 7 Professional',
    osVersion: '6.1.7601.17514',
    architecture: 'amd64',
    detectoids: holds('windows7', 'amd64', 'windows7Sp1'),
    cbsPackages: nt61('Client'),
  },
  {
    key: 'server2025-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2025 Standard',
    osVersion: '10.0.26100.6899',
    architecture: 'amd64',
    detectoids: holds('server2025', 'amd64', 'serverOsAmd64', 'windows10Rs3'),
    cbsPackages: edition('ServerStandard', '10.0.26100.1'),
  },
  {
    key: 'server2008r2-sp1-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2008 R2 Standard',
    osVersion: '6.1.7601.17514',
    architecture: 'amd64',
    detectoids: holds('server2008r2', 'amd64', 'server2008r2Sp1'),
    cbsPackages: nt61('Server'),
  },
  {
    key: 'server2019-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2019 Standard',
    osVersion: '10.0.17763.7919',
    architecture: 'amd64',
    detectoids: holds('server2019', 'amd64', 'windows10v1809', 'windows10Rs3'),
    cbsPackages: edition('ServerStandard', '10.0.17763.1'),
  },
  {
    key: 'server2016-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2016 Standard',
    osVersion: '10.0.14393.8519',
    architecture: 'amd64',
    detectoids: holds('server2016', 'amd64', 'server2016Rtm'),
    cbsPackages: edition('ServerStandard', '10.0.14393.0'),
  },
  {
    key: 'windows10-22h2-x86',
    prefix: 'pc',
    os: 'Microsoft Windows 10 Pro (32-bit)',
    osVersion: '10.0.19045.6456',
    architecture: 'x86',
    detectoids: holds('windows10', 'x86', 'windows10v22h2', 'windows10Rs3'),
    cbsPackages: edition('Professional', '10.0.19041.6456'),
  },
];
