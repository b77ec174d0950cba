import type { Detectoid, Product } from '../windows-ids.ts';

/** A Windows that gets updates of its own each month. */
export interface ProductLine {
  readonly key: string;
  readonly product: Product;
  /** What titles call it, in English and in German. */
  readonly title: string;
  readonly titleDe: string;
  readonly architecture: 'amd64' | 'x86';
  /** Prefix of file names. */
  readonly filePrefix: string;
  /** Version of the updates up to the revision: `10.0.19045`. */
  readonly version: string;
  readonly detectoids: readonly Detectoid[];
  /** Component based servicing with one .cab, or the Unified Update Platform with its several files. */
  readonly servicing: 'cbs' | 'uup';
  /** ProductName of UUP records. */
  readonly releaseName?: string;
  /** Packages of which one must be present (CBS). */
  readonly parents: readonly { readonly name: string; readonly version: string }[];
  /** Lines of one group share KB numbers and, when `sharesPayload`, the very files. */
  readonly group: string;
  readonly sharesPayload?: true;
  /** Still has a servicing stack update beside the cumulative one. */
  readonly servicingStack?: true;
}

const clientEdition = (version: string) => ({ name: 'Microsoft-Windows-ProfessionalEdition', version });
const serverEdition = (version: string) => ({ name: 'Microsoft-Windows-ServerStandardEdition', version });

/** The product lines of the invented world. */
export const productLines: readonly ProductLine[] = [
  {
    key: 'windows11-24h2-x64',
    product: 'windows11',
    title: 'Windows 11, version 24H2 for x64-based Systems',
    titleDe: 'Windows 11, Version 24H2 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows11.0',
    version: '10.0.26100',
    detectoids: ['clientOsAmd64', 'windows10Rs3'],
    servicing: 'uup',
    releaseName: 'Client.OS.RS2.AMD64',
    parents: [clientEdition('10.0.26100.1')],
    group: 'windows11-24h2',
  },
  {
    key: 'server2025-x64',
    product: 'server2025',
    title: 'Microsoft server operating system version 24H2 for x64-based Systems',
    titleDe: 'Microsoft-Serverbetriebssystem, Version 24H2 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows11.0',
    version: '10.0.26100',
    detectoids: ['serverOsAmd64', 'windows10Rs3'],
    servicing: 'uup',
    releaseName: 'Server.OS.amd64',
    parents: [serverEdition('10.0.26100.1')],
    group: 'server2025',
  },
  {
    key: 'windows10-22h2-x64',
    product: 'windows10',
    title: 'Windows 10 Version 22H2 for x64-based Systems',
    titleDe: 'Windows 10 Version 22H2 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows10.0',
    version: '10.0.19045',
    detectoids: ['amd64', 'windows10v22h2'],
    servicing: 'cbs',
    parents: [clientEdition('10.0.19041.1')],
    group: 'windows10-22h2',
  },
  {
    key: 'windows10-22h2-x86',
    product: 'windows10',
    title: 'Windows 10 Version 22H2 for x86-based Systems',
    titleDe: 'Windows 10 Version 22H2 für x86-basierte Systeme',
    architecture: 'x86',
    filePrefix: 'Windows10.0',
    version: '10.0.19045',
    detectoids: ['x86', 'windows10v22h2'],
    servicing: 'cbs',
    parents: [clientEdition('10.0.19041.1')],
    group: 'windows10-22h2',
  },
  {
    key: 'server2016-x64',
    product: 'server2016',
    title: 'Windows Server 2016 for x64-based Systems',
    titleDe: 'Windows Server 2016 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows10.0',
    version: '10.0.14393',
    detectoids: ['amd64', 'server2016Rtm'],
    servicing: 'cbs',
    parents: [serverEdition('10.0.14393.0')],
    group: 'server2016',
    servicingStack: true,
  },
  {
    key: 'server2019-x64',
    product: 'server2019',
    title: 'Windows Server 2019 for x64-based Systems',
    titleDe: 'Windows Server 2019 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows10.0',
    version: '10.0.17763',
    detectoids: ['amd64', 'windows10v1809'],
    servicing: 'cbs',
    parents: [serverEdition('10.0.17763.1')],
    group: 'server2019',
  },
  {
    key: 'server2022-x64',
    product: 'server2022',
    title: 'Microsoft server operating system version 21H2 for x64-based Systems',
    titleDe: 'Microsoft-Serverbetriebssystem, Version 21H2 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows10.0',
    version: '10.0.20348',
    detectoids: ['amd64', 'server2022'],
    servicing: 'cbs',
    parents: [serverEdition('10.0.20348.1')],
    group: 'server2022',
  },
  {
    key: 'windows7-sp1-x64',
    product: 'windows7',
    title: 'Windows 7 for x64-based Systems',
    titleDe: 'Windows 7 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows6.1',
    version: '6.1.7601',
    detectoids: ['amd64', 'windows7Sp1'],
    servicing: 'cbs',
    parents: [
      { name: 'Microsoft-Windows-Client-Features-Package', version: '6.1.7601.17514' },
      { name: 'Microsoft-Windows-Server-Features-Package', version: '6.1.7601.17514' },
    ],
    group: 'nt61',
    sharesPayload: true,
    servicingStack: true,
  },
  {
    key: 'server2008r2-sp1-x64',
    product: 'server2008r2',
    title: 'Windows Server 2008 R2 for x64-based Systems',
    titleDe: 'Windows Server 2008 R2 für x64-basierte Systeme',
    architecture: 'amd64',
    filePrefix: 'Windows6.1',
    version: '6.1.7601',
    detectoids: ['amd64', 'server2008r2Sp1'],
    servicing: 'cbs',
    parents: [
      { name: 'Microsoft-Windows-Client-Features-Package', version: '6.1.7601.17514' },
      { name: 'Microsoft-Windows-Server-Features-Package', version: '6.1.7601.17514' },
    ],
    group: 'nt61',
    sharesPayload: true,
    servicingStack: true,
  },
];
