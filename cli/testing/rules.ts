import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Impact } from '#shared/contract/operators/rules.ts';
import type { RuleBook, RulesDocument } from '#shared/contract/rules.ts';
import { snapshot } from './values.ts';

/** Rules in force, as the API answers them. */
export const rulesDocumentOf = (book: RuleBook, more: Partial<RulesDocument> = {}): RulesDocument => ({
  version: 2,
  revision: 3,
  changedAt: '2026-07-14T12:00:00.000Z',
  book,
  ...more,
});

/** An impact without changes. */
export const impactOf = (more: Partial<Impact> = {}): Impact => ({
  version: 1,
  ...snapshot,
  revision: 3,
  changes: [],
  hosts: 0,
  total: 0,
  ...more,
});

/** A folder of files for one test. */
export interface TestFiles {
  /** Writes one, and gives its path. */
  write(name: string, text: string): Promise<string>;
  path(name: string): string;
  close(): Promise<void>;
}

/** To be closed. */
export async function openFiles(): Promise<TestFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-rules-'));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    async write(name, text) {
      await writeFile(path(name), text);
      return path(name);
    },
    close: () => rm(folder, { recursive: true }),
  };
}
