/**
 * Who may import whom. This table is the rule; docs/rooms.md explains it. A file belongs to the first room whose
 * pattern matches. `values` are rooms and packages that may be imported for good; `types` those that may be named in
 * `import type` besides.
 */
export interface Room {
  readonly name: string;
  readonly pattern: RegExp;
  readonly values: readonly string[];
  readonly types?: readonly string[];
  /** `true`: any; or the exact list of Node's built-in modules. */
  readonly node: boolean | readonly string[];
  /** npm packages; a trailing `*` is a prefix. */
  readonly packages: readonly string[];
}

const sdk = ['@aws-sdk/*'];

export const rooms: readonly Room[] = [
  {
    name: 'cabinet/testing',
    pattern: /^shared\/cabinet\/testing\//,
    values: ['cabinet', 'cabinet/testing'],
    node: true,
    packages: [],
  },
  { name: 'cabinet', pattern: /^shared\/cabinet\//, values: ['cabinet'], node: false, packages: [] },
  // Signatures of cabinets: pkijs does the ASN.1, Node the cryptography.
  {
    name: 'authenticode',
    pattern: /^shared\/authenticode\//,
    values: ['authenticode', 'cabinet'],
    node: ['node:crypto'],
    packages: ['pkijs', 'asn1js'],
  },
  { name: 'core', pattern: /^shared\/core\//, values: ['core'], node: false, packages: [] },
  // The documents of the API, written from the endpoint tables; nothing that runs imports them.
  {
    name: 'contract/documents',
    pattern: /^shared\/contract\/documents\//,
    values: ['contract/documents', 'contract', 'core'],
    node: ['node:fs/promises'],
    packages: ['zod'],
  },
  { name: 'contract', pattern: /^shared\/contract\//, values: ['contract', 'core'], node: false, packages: ['zod'] },
  { name: 'index', pattern: /^shared\/index\//, values: ['index', 'core', 'cabinet'], node: true, packages: [] },
  // Keys that sign: files, and AWS KMS, which administrators reach by their own role and the publisher by its.
  {
    name: 'signing',
    pattern: /^shared\/signing\//,
    values: ['signing'],
    node: true,
    packages: ['@aws-sdk/client-kms'],
  },
  // The signed repository: TUF's libraries are known here and nowhere else. The client is what agents and the command line read with.
  {
    name: 'repository/client',
    pattern: /^shared\/repository\/client/,
    values: ['repository/client', 'repository', 'contract'],
    node: true,
    packages: ['tuf-js', '@tufjs/models', 'zod'],
  },
  {
    name: 'repository',
    pattern: /^shared\/repository\//,
    values: ['repository', 'contract', 'core'],
    types: ['signing'],
    node: ['node:crypto'],
    packages: ['@tufjs/models', 'zod'],
  },
  // What the stack and the environment of a function must know of it.
  {
    name: 'upstream/binding',
    pattern: /^shared\/upstream\/binding\.ts$/,
    values: [],
    node: false,
    packages: ['zod'],
  },
  {
    name: 'upstream',
    pattern: /^shared\/upstream\//,
    values: ['upstream', 'core', 'contract'],
    types: ['upstream/binding'],
    node: true,
    packages: ['undici'],
  },
  {
    name: 'store/port',
    pattern: /^shared\/stores\/([^/]+\/port|store-error|page)\.ts$/,
    values: [],
    types: ['core', 'contract', 'store/port'],
    node: false,
    packages: [],
  },
  {
    name: 'store/binding',
    pattern: /^shared\/stores\/[^/]+\/binding\.ts$/,
    values: [],
    node: false,
    packages: ['zod'],
  },
  {
    name: 'store/adapter',
    pattern: /^shared\/stores\//,
    values: ['store/adapter', 'store/port', 'store/binding', 'core', 'contract'],
    node: true,
    packages: [...sdk, '@smithy/*', 'zod'],
  },
  {
    name: 'lambda',
    pattern: /^shared\/lambda\//,
    values: ['lambda', 'contract'],
    types: ['core'],
    node: true,
    packages: ['@middy/*', '@aws-lambda-powertools/*', 'zod'],
  },
  {
    name: 'function/env',
    pattern: /^functions\/[^/]+\/env\.ts$/,
    values: ['store/binding', 'upstream/binding'],
    node: false,
    packages: ['zod'],
  },
  {
    name: 'function/handler',
    pattern: /^functions\/[^/]+\/handler\.ts$/,
    values: [
      'function/use-case',
      'function/env',
      'store/adapter',
      'lambda',
      'upstream',
      'contract',
      'authenticode',
      'signing',
    ],
    types: ['store/binding', 'store/port'],
    node: true,
    packages: [...sdk, 'undici'],
  },
  {
    name: 'function/use-case',
    pattern: /^functions\//,
    values: ['function/use-case', 'core', 'contract', 'index', 'store/port', 'upstream', 'authenticode', 'repository'],
    types: ['lambda', 'signing'],
    node: true,
    packages: ['zod', 'jose'],
  },
  {
    name: 'infra',
    pattern: /^infra\//,
    values: ['infra', 'store/binding', 'upstream/binding', 'function/env', 'contract'],
    node: true,
    packages: ['aws-cdk-lib', 'constructs', 'cdk-nag', 'esbuild', 'zod'],
  },
  {
    name: 'agent/core',
    pattern: /^agent\/core\//,
    values: ['agent/core', 'core'],
    types: ['contract', 'agent/ports'],
    node: false,
    packages: [],
  },
  {
    name: 'agent/ports',
    pattern: /^agent\/ports\//,
    values: ['agent/ports'],
    types: ['core', 'contract', 'agent/core'],
    node: false,
    packages: [],
  },
  {
    name: 'agent/run',
    pattern: /^agent\/run\//,
    values: [
      'agent/run',
      'agent/core',
      'agent/ports',
      'contract',
      'core',
      'upstream',
      'index',
      'authenticode',
      'repository',
    ],
    types: ['repository/client'],
    node: ['node:crypto', 'node:path'],
    packages: ['zod'],
  },
  {
    name: 'agent/simulated',
    pattern: /^agent\/adapters\/simulated\//,
    values: ['agent/simulated', 'agent/node', 'agent/ports', 'agent/core', 'contract', 'core', 'index'],
    node: true,
    packages: ['zod'],
  },
  {
    name: 'agent/node',
    pattern: /^agent\/adapters\/node\//,
    values: ['agent/node', 'agent/ports', 'agent/core', 'contract'],
    types: ['core'],
    node: true,
    packages: ['jose', 'undici', 'zod'],
  },
  {
    name: 'agent/main',
    pattern: /^agent\//,
    values: [
      'agent/main',
      'agent/run',
      'agent/core',
      'agent/ports',
      'agent/node',
      'agent/simulated',
      'contract',
      'core',
      'authenticode',
      'repository',
      'repository/client',
    ],
    types: ['index'],
    node: true,
    packages: ['commander', 'zod', 'undici'],
  },
  {
    name: 'cli',
    pattern: /^cli\//,
    values: [
      'cli',
      'contract',
      'core',
      'cabinet',
      'index',
      'authenticode',
      'repository',
      'repository/client',
      'signing',
    ],
    node: true,
    // `kbroker setup` works with the credentials of whoever deploys, before there is a broker.
    packages: ['commander', 'yaml', 'zod', 'openid-client', '@aws-sdk/client-secrets-manager', '@aws-sdk/client-kms'],
  },
  {
    name: 'local/upstream',
    pattern: /^local\/upstream\//,
    values: ['local/upstream', 'local', 'contract', 'core', 'cabinet', 'cabinet/testing', 'authenticode'],
    node: true,
    packages: ['zod'],
  },
  {
    name: 'local/fleet',
    pattern: /^local\/fleet\//,
    values: [
      'local/fleet',
      'local/upstream',
      'local',
      'agent/main',
      'agent/simulated',
      'agent/run',
      'contract',
      'core',
      'authenticode',
    ],
    types: ['agent/ports', 'agent/core', 'index'],
    node: true,
    packages: ['zod'],
  },
  // The runner sees the synthesized artefact and the protocols, never the code that made them.
  {
    name: 'local',
    pattern: /^local\//,
    values: ['local', 'local/upstream', 'local/fleet', 'contract', 'core', 'repository', 'signing'],
    types: ['agent/main', 'agent/run'],
    node: true,
    packages: [
      ...sdk,
      '@smithy/*',
      '@aws-crypto/*',
      'zod',
      'find-my-way',
      'aws-cron-parser',
      'commander',
      'saxes',
      'jose',
      'oidc-provider',
      'openid-client',
    ],
  },
];

/** Folders whose sources must belong to a room. */
export const roomFolders = ['shared', 'functions', 'infra', 'agent', 'cli', 'local'] as const;

export const roomOf = (file: string): Room | undefined => rooms.find((room) => room.pattern.test(file));
