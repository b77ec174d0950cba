import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import { hostReport } from '#shared/contract/agent/report.ts';
import type { RulePackageDocument } from '#shared/contract/rules.ts';
import type { HostScan, NeededUpdate } from '#shared/core/catalog/scan.ts';
import { updateStates } from '#shared/core/status/states.ts';
import { assess, judgeScan, type Knowledge, nextChangeOf } from './assess.ts';
import type { DirectPolicy } from './direct.ts';
import { beginInstall, emptyJournal, endInstall, type Journal, noteStored, settle } from './journal.ts';
import { planDownloads, planInstalls, planRemovals } from './plan.ts';
import { buildReport, neededFiles } from './report.ts';
import { compile } from './settings.ts';

/** The three plans and the journal on one set of values, which would stand in each part again: hence the length. */

const hex = (letter: string, length: number): string => letter.repeat(length);
const sha1 = (letter: string): string => hex(letter, 40);
const id = (number: number): string => `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;

const needed = (number: number, files: readonly string[], changes: Partial<NeededUpdate> = {}): NeededUpdate => ({
  updateId: id(number),
  revision: 1,
  kbs: [String(5_000_000 + number)],
  createdAt: '2026-01-01T00:00:00Z',
  leaves: [],
  files: files.map((letter) => ({ sha1: sha1(letter), name: `${letter}.cab` })),
  products: [],
  supersededBy: [],
  ...changes,
});
const held = (letter: string): FileStatus => ({ sha1: sha1(letter), state: 'held', sha256: hex(letter, 64), size: 1 });
const stored = (letters: readonly string[]): Journal =>
  letters.reduce(
    (journal, one) => noteStored(journal, { sha1: sha1(one), sha256: hex(one, 64), size: 1 }),
    emptyJournal,
  );
const knowing = (
  changes: { held?: readonly string[]; journal?: Journal; max?: number; direct?: DirectPolicy } = {},
): Knowledge => ({
  statuses: new Map((changes.held ?? []).map((letter) => [sha1(letter), held(letter)])),
  journal: changes.journal ?? emptyJournal,
  direct: changes.direct ?? 'never',
  maxInstallAttempts: changes.max ?? 3,
});
type Package = Partial<RulePackageDocument>;
const allow: Package = { settings: { defaultAllow: true } };
const forbid = (...kbs: string[]): Package => ({ ...allow, wapt: { forbiddenKbs: kbs } });
const now = new Date('2026-02-01T00:00:00Z');
const judgedBy = (scan: HostScan, changes: Package, told: readonly (readonly [number, string])[] = []) =>
  judgeScan(scan, {
    compiled: compile({ revision: 1, packages: [{ name: 'pilot', priority: 0, rules: [], ...changes }] }),
    now,
    firstPublished: new Map(told.map(([number, at]) => [id(number), at])),
  });
const judged = (updates: readonly NeededUpdate[], changes = allow) =>
  judgedBy({ needed: updates, installed: [] }, changes);
const digests = (steps: readonly { file: { sha1: string } }[]) => steps.map((step) => step.file.sha1[0]);
const numbers = (steps: readonly { update: NeededUpdate }[]) =>
  steps.map((step) => Number(step.update.updateId.slice(-4)));

describe('planDownloads', () => {
  it('takes what is held and not here, each file once', () => {
    const updates = judged([needed(1, ['a', 'b']), needed(2, ['b', 'c'])]);
    expect(digests(planDownloads(updates, knowing({ held: ['a', 'b', 'c'], journal: stored(['a']) })))).toEqual([
      'b',
      'c',
    ]);
  });

  it('leaves an update alone of which a file is missing, held back, or given up', () => {
    expect(planDownloads(judged([needed(1, ['a', 'b'])]), knowing({ held: ['a'] }))).toEqual([]);
    const forbidden = judged([needed(1, ['a'])], forbid('5000001'));
    expect(planDownloads(forbidden, knowing({ held: ['a'] }))).toEqual([]);
    const tried = beginInstall(emptyJournal, needed(1, []), '2026-01-01T00:00:00Z');
    expect(planDownloads(judged([needed(1, ['a'])]), knowing({ held: ['a'], journal: tried, max: 1 }))).toEqual([]);
  });
});

describe('planInstalls', () => {
  const stack = needed(3, ['c'], { title: '2026-01 Servicing Stack Update for Windows Server 2016 (KB5000003)' });
  const all = judged([needed(1, ['a']), needed(2, ['a', 'b']), stack, needed(4, [])]);

  it('installs whole updates only, old ones first', () => {
    expect(numbers(planInstalls(all, knowing({ journal: stored(['a']) })))).toEqual([1, 4]);
  });

  it('installs servicing stack updates alone, before the rest', () => {
    expect(numbers(planInstalls(all, knowing({ journal: stored(['a', 'c']) })))).toEqual([3]);
    expect(digests(planDownloads(all, knowing({ held: ['a', 'b', 'c'] })))).toEqual(['c', 'a', 'b']);
    // One whose attempts are used up holds up nothing.
    const tried = beginInstall(stored(['a', 'c']), stack, '2026-01-01T00:00:00Z');
    expect(numbers(planInstalls(all, knowing({ journal: tried, max: 2 })))).toEqual([3]);
    expect(numbers(planInstalls(all, knowing({ journal: tried, max: 1 })))).toEqual([1, 4]);
  });

  it('says what the rest waits for', () => {
    const reasons = (knowledge: Knowledge) =>
      Object.fromEntries(assess(all, [], knowledge).map(({ kbs, reason }) => [kbs[0]?.slice(-1), reason]));
    expect(reasons(knowing({ held: ['a', 'c'], journal: stored(['a']) }))).toMatchObject({
      1: `its file is downloaded; KB5000003 (${stack.title}) is installed first, and alone`,
      2: 'the broker could not be asked about 1 of 2 files',
      3: 'its file is in the repository',
    });
    expect(reasons(knowing({ journal: stored(['a']) }))).toMatchObject({ 1: 'its file is downloaded' });
  });

  it('gives the proved digest of each file to the installer', () => {
    const [step] = planInstalls(judged([needed(1, ['a'])]), knowing({ journal: stored(['a']) }));
    expect(step?.files).toEqual([{ sha1: sha1('a'), sha256: hex('a', 64), size: 1, name: 'a.cab' }]);
  });
});

describe('planRemovals', () => {
  it('keeps what a wanted update needs and nothing else', () => {
    const steps = planRemovals(
      judged([needed(1, ['a']), needed(2, ['b'])], forbid('5000002')),
      ['a', 'b', 'c'].map(sha1),
    );
    expect(steps.map((step) => step.sha1[0])).toEqual(['b', 'c']);
  });
});

describe('judgeScan', () => {
  const old = needed(1, ['a'], { supersededBy: [id(2), id(3)] });
  it('names the newest allowed superseder, or an installed one whatever the rules', () => {
    const middle = needed(2, ['b'], { supersededBy: [id(3)] });
    const newest = needed(3, ['c'], { createdAt: '2026-01-31T00:00:00Z' });
    const replaced = (rules: Package) => judged([old, middle, newest], rules)[0]?.replacedBy?.updateId;
    expect(replaced(allow)).toBe(id(3));
    expect(replaced(forbid('5000003'))).toBe(id(2));
    expect(replaced(forbid('5000002', '5000003'))).toBeUndefined();
    // Neither does what is held or delayed replace anything.
    expect(replaced({ ...allow, rules: [{ effect: 'hold', when: { kbs: ['5000003'] } }] })).toBe(id(2));
    expect(replaced({ settings: { defaultAllow: true, installDelaySeconds: 7 * 24 * 3600 } })).toBe(id(2));
    const { leaves: _leaves, files: _files, supersededBy: _by, products: _products, ...installed } = needed(3, []);
    expect(judgedBy({ needed: [old], installed: [installed] }, forbid('5000003'))[0]).toMatchObject({
      wanted: false,
      replacedBy: { updateId: id(3) },
    });
  });

  it('counts a delay from the first publication, which is never later than the revision', () => {
    const revised = needed(1, ['a'], { createdAt: '2026-01-31T00:00:00Z' });
    const delay: Package = { settings: { defaultAllow: true, installDelaySeconds: 7 * 24 * 3600 } };
    const by = (told: readonly (readonly [number, string])[]) =>
      judgedBy({ needed: [revised], installed: [] }, delay, told)[0];
    expect(by([])).toMatchObject({ wanted: false, verdict: { code: 'delayed', until: '2026-02-07T00:00:00.000Z' } });
    expect(by([[1, '2026-01-20T00:00:00Z']])).toMatchObject({ wanted: true, verdict: { code: 'default-allow' } });
    expect(by([[1, '2026-01-28T00:00:00Z']])?.verdict.until).toBe('2026-02-04T00:00:00.000Z');
    expect(by([[1, '2026-03-01T00:00:00Z']])?.verdict.until).toBe('2026-02-07T00:00:00.000Z');
  });

  it('tells when the first verdict changes by itself', () => {
    const rules: Package['rules'] = [
      { effect: 'hold', when: { kbs: ['5000001'] }, expiresAt: '2026-04-01T00:00:00Z' },
      { effect: 'hold', when: { kbs: ['5000002'] }, expiresAt: '2026-03-01T00:00:00Z' },
    ];
    const updates = [needed(1, []), needed(2, []), needed(3, [])];
    expect(nextChangeOf(judged(updates, { ...allow, rules }))).toBe('2026-03-01T00:00:00.000Z');
    expect(nextChangeOf(judged(updates))).toBeUndefined();
  });

  it('wants nothing where a package switches the agent off, and says what it would do', () => {
    const off = judged([needed(1, ['a']), needed(2, ['b'])], {
      settings: { enabled: false, defaultAllow: true },
      wapt: { forbiddenKbs: ['5000002'] },
    });
    expect(planDownloads(off, knowing({ held: ['a', 'b'] }))).toEqual([]);
    expect(planInstalls(off, knowing({ journal: stored(['a', 'b']) }))).toEqual([]);
    expect(neededFiles(off, knowing())).toEqual([]);
    expect(assess(off, [], knowing())).toMatchObject([
      {
        state: 'DISCARDED',
        reason: expect.stringMatching(
          /^nothing is installed on this host: "pilot" sets enabled to false; otherwise no rule mentions KB5000001/,
        ),
      },
      { state: 'DISCARDED', reason: 'forbidden by wapt.forbiddenKbs of "pilot": KB5000002' },
    ]);
    expect(judged([needed(1, ['a'])], { settings: { enabled: true, defaultAllow: true } })[0]?.wanted).toBe(true);
  });
});

describe('assess', () => {
  const stateOf = (journal: Journal, heldFiles: readonly string[] = ['a']) =>
    assess(judged([needed(1, ['a'])]), [], knowing({ journal, held: heldFiles }))[0];
  const begun = (times: number): Journal =>
    Array.from({ length: times }).reduce<Journal>(
      (journal) => beginInstall(journal, needed(1, []), '2026-01-01T00:00:00Z'),
      emptyJournal,
    );

  it.each([
    ['nothing tried', emptyJournal, 'PENDING', 'its file is in the repository'],
    ['all here', stored(['a']), 'PENDING', 'its file is downloaded'],
    ['an attempt that did not end', begun(1), 'PENDING', 'stopped in the middle of an installation'],
    ['too many that did not end', begun(3), 'ERROR', 'stopped in the middle of each installation (attempt 3 of 3'],
    [
      'success that did not last',
      endInstall(begun(1), needed(1, []), '2026-01-02T00:00:00Z', undefined),
      'ERROR',
      'reported success at 2026-01-02T00:00:00Z, but the update is still needed (attempt 1 of 3)',
    ],
    [
      'a failure',
      endInstall(begun(2), needed(1, []), '2026-01-02T00:00:00Z', 'it broke'),
      'ERROR',
      'it broke (attempt 2 of 3)',
    ],
  ])('%s', (_name, journal, state, reason) => {
    expect(stateOf(journal)).toMatchObject({ state, reason: expect.stringContaining(reason) });
  });

  it('says when the broker could not be asked', () => {
    expect(stateOf(emptyJournal, [])).toMatchObject({
      state: 'MISSING',
      reason: 'the broker could not be asked about 1 of 1 file',
    });
  });

  it('a settled journal has nothing on updates that are no longer needed, or have a new revision', () => {
    const failed = endInstall(begun(1), needed(1, []), '2026-01-02T00:00:00Z', 'it broke');
    expect(settle(failed, { needed: [needed(1, ['a'])], installed: [] }).installs).toHaveLength(1);
    expect(settle(failed, { needed: [needed(1, ['a'], { revision: 2 })], installed: [] }).installs).toEqual([]);
    expect(settle(failed, { needed: [], installed: [] }).installs).toEqual([]);
  });

  it('gives back the attempts of what failed before a servicing stack update came in, once', () => {
    const at = '2026-01-01T00:00:00Z';
    const one = needed(1, ['a']);
    const stack = needed(3, ['c'], { title: '2026-01 Servicing Stack Update for Windows Server 2016 (KB5000003)' });
    const failed = endInstall(beginInstall(emptyJournal, one, at), one, at, '0x800f0823');
    const installed = endInstall(beginInstall(failed, stack, at), stack, at, undefined);
    // The installer's word is not enough: the scan says whether it is in.
    expect(settle(installed, { needed: [one, stack], installed: [] }).installs).toHaveLength(2);
    expect(settle(installed, { needed: [one], installed: [stack] }).installs).toEqual([]);
    // What fails afterwards counts, and so does what fails beside one that this agent did not install.
    expect(settle(failed, { needed: [one], installed: [stack] }).installs).toHaveLength(1);
    const other = needed(4, ['d']);
    const tried = endInstall(beginInstall(failed, other, at), other, at, undefined);
    expect(settle(tried, { needed: [one], installed: [other] }).installs).toHaveLength(1);
  });
});

describe('whatever is needed and known', () => {
  const letters = ['a', 'b', 'c', 'd'];
  const some = fc.subarray(letters);
  const update = fc
    .tuple(fc.integer({ min: 1, max: 6 }), some, fc.subarray([1, 2, 3, 4, 5, 6]))
    .map(([number, files, by]) => needed(number, files, { supersededBy: by.filter((one) => one > number).map(id) }));
  const scan = fc.uniqueArray(update, { selector: (one) => one.updateId, maxLength: 6 });
  const rules = fc.record({
    settings: fc.record({ defaultAllow: fc.boolean() }),
    wapt: fc.record({
      allowedKbs: fc.subarray(['5000001', '5000002', '5000003']),
      forbiddenKbs: fc.subarray(['5000002', '5000003', '5000004']),
    }),
  });

  it('plans, states and needs agree', () => {
    fc.assert(
      fc.property(scan, rules, some, some, (updates, someRules, heldFiles, storedFiles) => {
        const journal = stored(storedFiles);
        const knowledge = knowing({ held: heldFiles, journal });
        const all = judged(updates, someRules);
        const states = assess(all, [], knowledge);
        const here = new Set(storedFiles.map(sha1));
        const needs = neededFiles(all, knowledge);
        const downloads = planDownloads(all, knowledge).map((step) => step.file.sha1);
        expect(states.every((one) => one.reason !== '' && updateStates.includes(one.state))).toBe(true);
        // What is asked for is neither held nor here, and what is downloaded was not asked for.
        for (const digest of needs) expect(knowledge.statuses.has(digest) || here.has(digest)).toBe(false);
        for (const digest of downloads) expect(needs).not.toContain(digest);
        expect(states.some((one) => one.state === 'MISSING')).toBe(needs.length > 0);
        // Nothing is installed that is not PENDING, and everything PENDING can be installed after the downloads.
        const pending = states.filter((one) => one.state === 'PENDING').map((one) => one.updateId);
        const ids = (state: Journal) =>
          planInstalls(all, { ...knowledge, journal: state }).map((step) => step.update.updateId);
        for (const one of ids(journal)) expect(pending).toContain(one);
        const later = downloads.reduce(
          (now, digest) => noteStored(now, { sha1: digest, sha256: hex('0', 64), size: 1 }),
          journal,
        );
        expect(ids(later).toSorted()).toEqual(pending.toSorted());
        // What would be installed or downloaded is never removed.
        const removed = planRemovals(all, letters.map(sha1)).map((step) => step.sha1);
        for (const digest of [...downloads, ...needs]) expect(removed).not.toContain(digest);
      }),
    );
  });
});

describe('buildReport', () => {
  const host = {
    machineId: 'host-1',
    hostname: 'h',
    os: 'o',
    osVersion: '1',
    architecture: 'amd64',
    agentVersion: '1',
  } as const;
  it('fits the contract whatever comes, and cuts the least important first', () => {
    const many = Array.from({ length: 3000 }, (_, number) => ({
      updateId: id(number),
      revision: 1,
      kbs: Array.from({ length: 70 }, () => '5000001'),
      title: 't'.repeat(2000),
      state: number === 2999 ? ('ERROR' as const) : ('SUPERSEDED' as const),
      reason: 'r'.repeat(2000),
      files: Array.from({ length: 70 }, () => sha1('a')),
    }));
    const report = buildReport({
      host,
      indexSha256: hex('a', 64),
      rulesRevision: 0,
      updates: many,
      needs: Array.from({ length: 5000 }, () => sha1('b')),
      packages: undefined,
    });
    expect(z.parse(hostReport, report)).toEqual(report);
    expect(report.updates).toHaveLength(2000);
    expect(report.updates[0]?.state).toBe('ERROR');
  });
});
