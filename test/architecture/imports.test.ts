import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findViolations } from './check.ts';
import { importsOf, readAliases, repositoryRoot } from './imports.ts';
import { roomFolders, roomOf } from './rooms.ts';

const aliases = readAliases(repositoryRoot);

/** Sources that ship; a test may look into any room. */
const sources = globSync(
  roomFolders.map((folder) => `${folder}/**/*.{ts,js}`),
  { cwd: repositoryRoot },
)
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !/\.test\.ts$|contract-suite\.ts$|\/fixtures?\/|\/wasm\/assembly\//.test(file))
  .sort();

const read = (file: string): string => readFileSync(resolve(repositoryRoot, file), 'utf8');
const allImports = sources.flatMap((file) => importsOf(file, read(file), aliases));
const words = (violations: ReturnType<typeof findViolations>): string[] =>
  violations.map(({ chain, why }) => `${why}\n    ${chain.join(' → ')}`);

describe('import rules', () => {
  it('finds the sources and their imports', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(allImports.length).toBeGreaterThan(sources.length);
  });

  it('every source belongs to a room', () => {
    expect(sources.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it('are kept everywhere', () => {
    expect(words(findViolations(allImports))).toEqual([]);
  });

  it('production code never imports tests or the kit', () => {
    expect(
      allImports
        .filter(({ to }) => /^test\/|\.test\.ts$|contract-suite\.ts$/.test(to))
        .map(({ from, to }) => `${from} → ${to}`),
    ).toEqual([]);
  });
});

describe('the checker itself', () => {
  const planted: readonly (readonly [file: string, source: string, expected: RegExp])[] = [
    ['shared/core/rules/judge.ts', `import { readFileSync } from 'node:fs';`, /core may not import node:fs/],
    ['shared/core/rules/judge.ts', `import * as z from 'zod/mini';`, /core may not import the package zod/],
    [
      'shared/cabinet/reader.ts',
      `import type { Catalog } from '../core/catalog/model.ts';`,
      /cabinet may not import types of core/,
    ],
    [
      'functions/sync-index/sync-index.ts',
      `import { S3Client } from '@aws-sdk/client-s3';`,
      /use-case may not import the package @aws-sdk/,
    ],
    [
      'functions/sync-index/sync-index.ts',
      `import { AwsIndexStore } from '#shared/stores/catalog/aws.ts';`,
      /may not import store\/adapter/,
    ],
    [
      'functions/sync-index/sync-index.ts',
      `import { x } from '../fetch-payload/fetch-payload.ts';`,
      /may not import another function/,
    ],
    [
      'infra/broker-stack.ts',
      `import { handler } from '#functions/sync-index/handler.ts';`,
      /infra may not import function\/handler/,
    ],
    ['local/stack.ts', `import { BrokerStack } from '#infra/broker-stack.ts';`, /local may not import infra/],
    [
      'local/upstream/server.ts',
      `import { hosts } from '#shared/upstream/hosts.ts';`,
      /local\/upstream may not import upstream/,
    ],
    ['agent/core/plan.ts', `export { x } from '../adapters/node/files.ts';`, /agent\/core may not import agent\/node/],
    ['cli/main.ts', `const x = await import('#shared/stores/hosts/aws.ts');`, /cli may not import store\/adapter/],
    ['shared/misc/helpers.ts', `import 'node:fs';`, /belongs to no room/],
    [
      'shared/index/read-index.ts',
      `import { encodeCab } from '../cabinet/testing/encode.ts';`,
      /index may not import cabinet\/testing/,
    ],
  ];

  it.each(planted)('%s: %s is refused', (file, source, expected) => {
    const violations = findViolations([...allImports, ...importsOf(file, source, aliases)]);
    expect(words(violations).join('\n')).toMatch(expected);
  });

  it('prints the chain that leads to a violation', () => {
    const imports = [
      ...importsOf('functions/sync-index/handler.ts', `import { sync } from './sync-index.ts';`, aliases),
      ...importsOf('functions/sync-index/sync-index.ts', `import 'left-pad';`, aliases),
    ];
    expect(findViolations(imports)).toEqual([
      {
        chain: ['functions/sync-index/handler.ts', 'functions/sync-index/sync-index.ts', 'left-pad'],
        why: 'functions/sync-index/sync-index.ts:1 function/use-case may not import the package left-pad',
      },
    ]);
  });

  it('tells type imports from imports, over several lines, and skips comments', () => {
    const source = `// import 'a';\n/* import 'b'; */\nimport type { C } from 'c';\nimport {\n  type D,\n  type E,\n} from 'd';\nimport { f, type G } from 'f';\n`;
    expect(importsOf('cli/x.ts', source, aliases).map(({ to, typeOnly, line }) => [to, typeOnly, line])).toEqual([
      ['c', true, 3],
      ['d', true, 7],
      ['f', false, 8],
    ]);
  });
});
