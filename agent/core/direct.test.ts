import { describe, expect, it } from 'vitest';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { RulePackageDocument } from '#shared/contract/rules.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { NeededUpdate } from '#shared/core/catalog/scan.ts';
import { assess, type JudgedUpdate, type Knowledge } from './assess.ts';
import { emptyJournal, noteDownloadFailure } from './journal.ts';
import { planDownloads } from './plan.ts';
import { neededFiles } from './report.ts';
import { compile, directPolicyOf } from './settings.ts';

const sha1 = 'a'.repeat(40);
const sha256 = 'b'.repeat(64);
const url = 'http://download.windowsupdate.com/a.cab';
const file: PayloadFile = { sha1, sha256, size: 5, name: 'a.cab', url };
const wanting = (...files: readonly PayloadFile[]): readonly JudgedUpdate[] => {
  const update: NeededUpdate = {
    updateId: '00000000-0000-0000-0000-000000000001',
    revision: 1,
    kbs: ['5000001'],
    createdAt: '2026-01-01T00:00:00Z',
    leaves: [],
    files,
    products: [],
    supersededBy: [],
  };
  return [{ update, verdict: { allowed: true, code: 'default-allow', reason: 'by default' }, wanted: true }];
};
const held: FileStatus = { sha1, state: 'held', sha256, size: 5 };
const knowing = (direct: Knowledge['direct'], status?: FileStatus, failure?: string): Knowledge => ({
  statuses: new Map(status === undefined ? [] : [[sha1, status]]),
  journal:
    failure === undefined
      ? emptyJournal
      : noteDownloadFailure(emptyJournal, sha1, { at: '2026-01-01T00:00:00Z', error: failure }),
  direct,
  maxInstallAttempts: 5,
});
const sources = (knowledge: Knowledge, one = file): readonly string[] =>
  planDownloads(wanting(one), knowledge).flatMap((step) => step.sources.map(({ name }) => name));
const stateOf = (knowledge: Knowledge) => assess(wanting(file), [], knowledge)[0];

describe('a file', () => {
  it('comes from Microsoft only where that is switched on, and in the order that is chosen', () => {
    expect(sources(knowing('never'))).toEqual([]);
    expect(sources(knowing('never', held))).toEqual(['repository']);
    expect(sources(knowing('fallback'))).toEqual(['microsoft']);
    expect(sources(knowing('fallback', held))).toEqual(['repository', 'microsoft']);
    expect(sources(knowing('first', held))).toEqual(['microsoft', 'repository']);
  });

  it.each([
    ['SHA-256', { sha256: undefined }],
    ['size', { size: undefined }],
    ['address', { url: undefined }],
  ])('of which the index has no %s does not', (_what, change) => {
    const lacking = Object.fromEntries(
      Object.entries({ ...file, ...change }).filter(([, value]) => value !== undefined),
    );
    expect(sources(knowing('first'), { sha1, ...lacking })).toEqual([]);
    expect(sources(knowing('first', held), { sha1, ...lacking })).toContain('repository');
  });

  it('that the repository offers with other digests than the index comes from Microsoft alone', () => {
    const other: FileStatus = { ...held, sha256: 'f'.repeat(64) };
    expect(sources(knowing('fallback', other))).toEqual(['microsoft']);
    expect(planDownloads(wanting(file), knowing('fallback', other))[0]?.file).toMatchObject({ sha256, size: 5 });
    expect(stateOf(knowing('fallback', other))?.state).toBe('PENDING');
    expect(stateOf(knowing('never', other))?.state).toBe('ERROR');
  });

  it('is told to the broker as needed, unless Microsoft goes first and was not tried in vain', () => {
    const needs = (knowledge: Knowledge) => neededFiles(wanting(file), knowledge);
    expect(needs(knowing('never'))).toEqual([sha1]);
    expect(needs(knowing('fallback'))).toEqual([sha1]);
    expect(needs(knowing('first'))).toEqual([]);
    expect(needs(knowing('first', undefined, 'no answer'))).toEqual([sha1]);
    expect(neededFiles(wanting({ sha1 }), knowing('first'))).toEqual([sha1]);
    // A disk that was full says nothing of Microsoft.
    const full = { at: '2026-01-01T00:00:00Z', error: 'no room', noRoom: true };
    expect(needs({ ...knowing('first'), journal: noteDownloadFailure(emptyJournal, sha1, full) })).toEqual([]);
  });

  it('makes its update PENDING while it can be had, and MISSING with the reason when it could not', () => {
    expect(stateOf(knowing('never'))).toMatchObject({ state: 'MISSING' });
    expect(stateOf(knowing('fallback'))).toMatchObject({
      state: 'PENDING',
      reason: 'its file is to be had without the broker, from Microsoft itself',
    });
    expect(stateOf(knowing('fallback', undefined, 'no answer'))).toMatchObject({
      state: 'MISSING',
      reason: 'the broker could not be asked about 1 of 1 file; a.cab did not come directly either: no answer',
    });
  });
});

describe('what the rules set', () => {
  const policy = (local: Knowledge['direct'], settings: RulePackageDocument['settings']) =>
    directPolicyOf(
      local,
      compile({ revision: 1, packages: [{ name: 'pilot', priority: 0, rules: [], ...(settings && { settings }) }] }),
    );

  it.each([
    ['never', undefined, 'never'],
    ['fallback', undefined, 'fallback'],
    ['first', undefined, 'first'],
    ['never', { directDownload: true }, 'fallback'],
    ['never', { directFirst: true }, 'first'],
    ['first', { directDownload: false }, 'never'],
    ['first', { directFirst: false }, 'fallback'],
    ['fallback', { directFirst: false }, 'fallback'],
    ['fallback', { directDownload: false, directFirst: false }, 'never'],
    ['first', { directDownload: true }, 'first'],
    ['never', { directDownload: false, directFirst: true }, 'first'],
  ] as const)('counts before what the host was set up with: %s, %j', (local, settings, expected) => {
    expect(policy(local, settings)).toBe(expected);
  });

  it('is what the host was set up with while there are no rules', () => {
    expect(directPolicyOf('fallback', undefined)).toBe('fallback');
  });
});
