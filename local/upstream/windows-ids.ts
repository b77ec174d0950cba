/**
 * Identities of the real index that the invented one uses too: classifications, products and detectoids keep their GUIDs
 * from one publication to the next and are the same for everybody. (Facts read from an export of Windows Server Update
 * Services; GUID, title and what the category is a member of.)
 */

export interface CategoryFact {
  readonly id: string;
  readonly title: string;
  readonly type: 'Company' | 'ProductFamily' | 'Product' | 'UpdateClassification';
  readonly revision: number;
  readonly parent?: string;
}

export interface DetectoidFact {
  readonly id: string;
  readonly title: string;
  readonly revision: number;
  /** Rule of the core fragment, as Microsoft writes such rules. */
  readonly rule: string;
}

export const company = '56309036-4c77-4dd9-951a-99ee9c246a94';
export const windowsFamily = '6964aab4-c5b5-43bd-a17d-ffb4346a8e1d';

export const classifications = {
  critical: 'e6cf1350-c01b-414d-a61f-263d14d133b4',
  security: '0fa1201d-4330-4fa8-8ae9-b877473b6441',
  rollups: '28bc880e-0592-4cbf-8f95-c79b17911d5f',
  servicePacks: '68c5b0a3-d1a6-4553-ae49-01d3a7827828',
  updates: 'cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83',
} as const;
export type Classification = keyof typeof classifications;

export const products = {
  windows11: '72e7624a-5b00-45d2-b92f-e561c0a6a160',
  windows10: 'b3c75dc1-155f-4be4-b015-3f1a91758e52',
  windows7: 'bfe5b177-a086-47a0-b102-097e4fa1f807',
  server2008r2: 'fdfe8200-9d98-44ba-a12a-772282bf60ef',
  server2016: '569e8e8f-c6cd-42c8-92a3-efbb20a0f6f5',
  server2019: 'f702a48c-919b-45d6-9aef-ca4248d50397',
  server2022: '71718f13-7324-4b0f-8f9e-2ca9dc978e53',
  server2025: 'b256987d-4693-4c87-955d-dbb9341205eb',
} as const;
export type Product = keyof typeof products;

export const detectoids = {
  amd64: '59653007-e2e9-4f71-8525-2ff588527978',
  x86: '3e0afb10-a9fb-4c16-a60e-5790c3803437',
  ia64: 'aabd43ad-a183-4f0b-8eee-8dbbcd67687f',
  windows10Rs3: '03aa8476-15b7-4288-bf9b-286b31f99bd6',
  clientOsAmd64: 'e5555fe7-924e-4ba0-9039-62ffcd16cf1a',
  serverOsAmd64: '94255c4d-80a1-4b2b-be87-8d10a6728e5a',
  windows10v22h2: '24a5d0b8-4cf2-4f70-ae88-47f6565961c5',
  windows10v1809: '36712b28-21ab-499d-8cc4-2f517ce878ac',
  server2016Rtm: 'f6d8f7cd-09b4-4ee0-a311-d2ec520688d7',
  server2022: '0bffc290-7797-11eb-9df1-b53b59dbbb7d',
  windows7Sp1: '71c1e8bb-9a5d-4e56-a456-10b0624c7188',
  server2008r2Sp1: '4d790e24-b3f8-4864-a2b6-49d082e3bbdc',
} as const;
export type Detectoid = keyof typeof detectoids;

const classification = (id: string, title: string): CategoryFact => ({
  id,
  title,
  type: 'UpdateClassification',
  revision: 1,
});
const product = (id: string, title: string, revision: number): CategoryFact => ({
  id,
  title,
  type: 'Product',
  revision,
  parent: windowsFamily,
});

export const categoryFacts: readonly CategoryFact[] = [
  { id: company, title: 'Microsoft Corporation', type: 'Company', revision: 1 },
  { id: windowsFamily, title: 'Windows', type: 'ProductFamily', revision: 1, parent: company },
  classification(classifications.critical, 'Critical Updates'),
  classification(classifications.security, 'Security Updates'),
  classification(classifications.rollups, 'Update Rollups'),
  classification(classifications.servicePacks, 'Service Packs'),
  classification(classifications.updates, 'Updates'),
  product(products.windows11, 'Windows 11', 202),
  product(products.windows10, 'Windows 10, version 1903 and later', 209),
  product(products.windows7, 'Windows 7', 103),
  product(products.server2008r2, 'Windows Server 2008 R2', 101),
  product(products.server2016, 'Windows Server 2016', 204),
  product(products.server2019, 'Windows Server 2019', 201),
  product(products.server2022, 'Microsoft Server operating system-21H2', 201),
  product(products.server2025, 'Microsoft Server Operating System-24H2', 202),
];

const version = (major: number, minor: number, build: number, productType?: number): string =>
  `<b.WindowsVersion Comparison="EqualTo" MajorVersion="${major}" MinorVersion="${minor}" BuildNumber="${build}"${
    productType === undefined ? '' : ` ProductType="${productType}"`
  } />`;
const release = (name: string): string =>
  `<ProductReleaseVersion Name="${name}" Version="0.0.0.0" Comparison="greaterthan" />`;
const detectoid = (id: string, title: string, revision: number, rule: string): DetectoidFact => ({
  id,
  title,
  revision,
  rule,
});

/** Windows of these builds, on workstations or on servers. */
function windowsOf(kind: 'workstation' | 'server', from: readonly [number, number, number], below?: number): string {
  const [major, minor, build] = from;
  const types = kind === 'workstation' ? [1] : [2, 3];
  const of = (type: number): string =>
    `<And><b.WindowsVersion Comparison="EqualTo" MajorVersion="${major}" MinorVersion="${minor}" ProductType="${type}" />` +
    `<b.WindowsVersion Comparison="GreaterThanOrEqualTo" BuildNumber="${build}" />` +
    `${below === undefined ? '' : `<b.WindowsVersion Comparison="LessThan" BuildNumber="${below}" />`}</And>`;
  const rules = types.map(of).join('');
  return types.length === 1 ? rules : `<Or>${rules}</Or>`;
}

/**
 * Rules of the products, by UpdateId. Microsoft's are written alike but name no builds, so that several products hold on
 * one host (Windows 10 on Windows 11, Server 2016 on all later ones); here one product holds on each.
 */
export const productRules: ReadonlyMap<string, string> = new Map([
  [products.windows11, windowsOf('workstation', [10, 0, 22000])],
  [products.windows10, windowsOf('workstation', [10, 0, 18362], 22000)],
  [products.windows7, windowsOf('workstation', [6, 1, 7600])],
  [products.server2008r2, windowsOf('server', [6, 1, 7600])],
  [products.server2016, windowsOf('server', [10, 0, 14393], 17763)],
  [products.server2019, windowsOf('server', [10, 0, 17763], 20348)],
  [products.server2022, windowsOf('server', [10, 0, 20348], 25398)],
  [products.server2025, windowsOf('server', [10, 0, 26100])],
]);

export const detectoidFacts: readonly DetectoidFact[] = [
  detectoid(detectoids.amd64, 'AMD64', 100, '<b.Processor Architecture="9" />'),
  detectoid(detectoids.x86, 'X86', 101, '<b.Processor Architecture="0" />'),
  detectoid(detectoids.ia64, 'IA64', 100, '<b.Processor Architecture="6" />'),
  detectoid(
    detectoids.windows10Rs3,
    'Windows 10 RS3 Detectoid',
    100,
    '<b.WindowsVersion Comparison="GreaterThanOrEqualTo" MajorVersion="10" MinorVersion="0" BuildNumber="16299" />',
  ),
  detectoid(
    detectoids.clientOsAmd64,
    'Product Detectoid for ProductName Client.OS.RS2.AMD64',
    100,
    release('Client.OS.RS2.AMD64'),
  ),
  detectoid(
    detectoids.serverOsAmd64,
    'Product Detectoid for ProductName Server.OS.amd64',
    100,
    release('Server.OS.amd64'),
  ),
  detectoid(detectoids.windows10v22h2, 'Windows1022H2', 201, version(10, 0, 19045, 1)),
  detectoid(detectoids.windows10v1809, 'Windows 10 Version 1809 RTM', 200, version(10, 0, 17763)),
  detectoid(detectoids.server2016Rtm, 'Windows Server 2016 RTM', 202, version(10, 0, 14393, 3)),
  detectoid(detectoids.server2022, 'Windows Server 2022', 206, version(10, 0, 20348, 3)),
  detectoid(detectoids.windows7Sp1, 'Windows 7 SP1 RTM', 103, version(6, 1, 7601, 1)),
  detectoid(detectoids.server2008r2Sp1, 'Windows Server 2008 R2 SP1 RTM', 102, version(6, 1, 7601, 3)),
];
