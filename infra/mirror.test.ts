import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectDir } from './kit/paths.ts';

const folders = (path: string): string[] =>
  readdirSync(join(projectDir, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

const modules = (path: string): string[] =>
  readdirSync(join(projectDir, path))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();

test('each function has its construct, and each construct its function', () => {
  expect(modules('infra/functions')).toEqual(folders('functions'));
});

test('each store has its construct, and each construct its store', () => {
  const stores = folders('shared/stores').filter((name) =>
    existsSync(join(projectDir, 'shared/stores', name, 'binding.ts')),
  );
  expect(modules('infra/stores')).toEqual(stores);
});
