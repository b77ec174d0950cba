import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';

/** A kind of machine: a Windows as it is after its installation, before any update. */
export interface Profile {
  readonly key: string;
  /** Beginning of host names. */
  readonly prefix: 'pc' | 'srv';
  /** Caption of the operating system. */
  readonly os: string;
  readonly osVersion: string;
  readonly architecture: 'amd64' | 'x86';
  /** What the rules of the index find on it. */
  readonly state: HostState;
}

interface Draft extends Omit<Profile, 'state'> {
  /** Package of the edition, or for Windows 7 and Server 2008 R2 the package that all editions have, with its version. */
  readonly package: readonly [name: string, version: string];
  /** Releases of the Unified Update Platform. */
  readonly releases?: Readonly<Record<string, string>>;
  readonly servicePack?: number;
}

/** Publisher of Windows' packages. */
const token = '31bf3856ad364e35';

/** Of GetProductInfo (winnt.h): Windows Professional and Windows Server Standard. */
const skus = { pc: 48, srv: 7 } as const;

/** Bits of OSVERSIONINFOEX: Remote Desktop for one user, and Remote Desktop Services. */
const suites = { pc: 0x100, srv: 0x110 } as const;

/** Folders by CSIDL number (shlobj_core.h). */
const folders = {
  35: 'C:\\ProgramData',
  36: 'C:\\Windows',
  37: 'C:\\Windows\\System32',
  38: 'C:\\Program Files',
  43: 'C:\\Program Files\\Common Files',
};
const folders32 = {
  41: 'C:\\Windows\\SysWOW64',
  42: 'C:\\Program Files (x86)',
  44: 'C:\\Program Files (x86)\\Common Files',
};

/**
 * The state of a bare Windows: nothing is installed besides it. Registry, packages, releases and products are described
 * completely; of the thousands of files of Windows only some are, and WMI is not.
 */
function describe({ servicePack = 0, releases = {}, ...draft }: Draft): Profile {
  const { key, prefix, os, osVersion, architecture } = draft;
  const x64 = architecture === 'amd64';
  const sku = skus[prefix];
  const [packageName, packageVersion] = draft.package;
  const [major, minor, build] = osVersion.split('.');
  const text = (data: string) => ({ type: 'REG_SZ' as const, data });
  const word = (data: number) => ({ type: 'REG_DWORD' as const, data });
  const state: HostState = {
    windows: {
      version: osVersion,
      productType: prefix === 'pc' ? 1 : 3,
      servicePackMajor: servicePack,
      servicePackMinor: 0,
      suiteMask: suites[prefix],
    },
    processor: { architecture: x64 ? 9 : 0 },
    platform: 'Windows',
    language: { system: 'en-us', mui: [] },
    registry: {
      complete: true,
      keys: {
        'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion': {
          ProductName: text(os),
          // Windows 10 and later still say 6.3 here.
          CurrentVersion: text(major === '10' ? '6.3' : `${major}.${minor}`),
          CurrentBuild: text(build ?? ''),
          SystemRoot: text('C:\\Windows'),
          InstallationType: text(prefix === 'pc' ? 'Client' : 'Server'),
        },
        'SYSTEM\\CurrentControlSet\\Control\\ProductOptions': {
          ProductType: text(prefix === 'pc' ? 'WinNT' : 'ServerNT'),
        },
        'SYSTEM\\CurrentControlSet\\Control\\Windows': { CSDVersion: word(servicePack << 8), CSDReleaseType: word(0) },
      },
    },
    files: {
      complete: false,
      files: {
        'C:\\Windows\\System32\\ntoskrnl.exe': { version: osVersion },
        // Windows Update's own file, which on Windows 7 is numbered apart.
        'C:\\Windows\\System32\\wuaueng.dll': { version: major === '10' ? osVersion : '7.5.7601.17514' },
      },
      folders: x64 ? { ...folders, ...folders32 } : folders,
    },
    cbs: {
      complete: true,
      packages: [`${packageName}~${token}~${architecture}~~${packageVersion}`],
      servicingStack: osVersion,
    },
    productReleases: { complete: true, values: releases },
    deviceAttributes: { complete: true, values: { OSSkuId: String(sku), sku: String(sku) } },
    licenses: { complete: false, values: { 'Kernel-ProductInfo': sku } },
    systemMetrics: { complete: true, values: {} },
    msi: { complete: true, products: [] },
  };
  return { key, prefix, os, osVersion, architecture, state };
}

/** The kinds of machines of the fleet, in the order in which hosts are handed out. */
export const profiles: readonly Profile[] = [
  describe({
    key: 'windows11-24h2-x64',
    prefix: 'pc',
    os: 'Microsoft Windows 11 Pro',
    osVersion: '10.0.26100.1742',
    architecture: 'amd64',
    package: ['Microsoft-Windows-ProfessionalEdition', '10.0.26100.1'],
    releases: { 'Client.OS.RS2.AMD64': '10.0.26100.1742' },
  }),
  describe({
    key: 'windows10-22h2-x64',
    prefix: 'pc',
    os: 'Microsoft Windows 10 Pro',
    osVersion: '10.0.19045.2006',
    architecture: 'amd64',
    // Windows 10 22H2 is 2004 with features switched on: its packages keep the build 19041.
    package: ['Microsoft-Windows-ProfessionalEdition', '10.0.19041.1'],
  }),
  describe({
    key: 'server2022-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2022 Standard',
    osVersion: '10.0.20348.169',
    architecture: 'amd64',
    package: ['Microsoft-Windows-ServerStandardEdition', '10.0.20348.1'],
  }),
  describe({
    key: 'windows7-sp1-x64',
    prefix: 'pc',
    os: 'Microsoft Windows 7 Professional',
    osVersion: '6.1.7601.17514',
    architecture: 'amd64',
    package: ['Microsoft-Windows-Client-Features-Package', '6.1.7601.17514'],
    servicePack: 1,
  }),
  describe({
    key: 'server2025-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2025 Standard',
    osVersion: '10.0.26100.1742',
    architecture: 'amd64',
    package: ['Microsoft-Windows-ServerStandardEdition', '10.0.26100.1'],
    releases: { 'Server.OS.amd64': '10.0.26100.1742' },
  }),
  describe({
    key: 'server2008r2-sp1-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2008 R2 Standard',
    osVersion: '6.1.7601.17514',
    architecture: 'amd64',
    package: ['Microsoft-Windows-Server-Features-Package', '6.1.7601.17514'],
    servicePack: 1,
  }),
  describe({
    key: 'server2019-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2019 Standard',
    osVersion: '10.0.17763.737',
    architecture: 'amd64',
    package: ['Microsoft-Windows-ServerStandardEdition', '10.0.17763.1'],
  }),
  describe({
    key: 'server2016-x64',
    prefix: 'srv',
    os: 'Microsoft Windows Server 2016 Standard',
    osVersion: '10.0.14393.693',
    architecture: 'amd64',
    package: ['Microsoft-Windows-ServerStandardEdition', '10.0.14393.0'],
  }),
  describe({
    key: 'windows10-22h2-x86',
    prefix: 'pc',
    os: 'Microsoft Windows 10 Pro (32-bit)',
    osVersion: '10.0.19045.2006',
    architecture: 'x86',
    package: ['Microsoft-Windows-ProfessionalEdition', '10.0.19041.1'],
  }),
];
