import { describe, expect, it } from 'vitest';
import { type DetectionFacts, type FactDetection, isDetected } from './detect.ts';
import { inOrderOfNeeds, judgePackage, meaningOf, type PackageKnowledge } from './judge.ts';
import { commandFor, type PackageManifest, packageRef, unknownFiles } from './model.ts';

const manifest = (changes: Partial<PackageManifest> = {}): PackageManifest => ({
  name: 'tool',
  packageVersion: '1.0',
  kind: 'command',
  title: 'Tool',
  files: [{ name: 'setup.exe', sha256: 'a'.repeat(64), size: 10 }],
  command: { program: '{file:setup.exe}', arguments: ['/s'] },
  detection: { kind: 'file', path: 'C:\\tool.exe' },
  prerequisites: {},
  exitCodes: { success: [0], restart: [3010], notNeeded: [-2_145_124_329] },
  reboot: 'can',
  timeoutSeconds: 60,
  publishedAt: '2026-01-01T00:00:00Z',
  ...changes,
});
const known = (changes: Partial<PackageKnowledge> = {}): PackageKnowledge => ({
  facts: { architecture: 'amd64', windows: '10.0.26100.1', edition: 'Professional', language: 'en-us', freeBytes: 100 },
  detected: false,
  record: undefined,
  installed: new Set(),
  now: new Date('2026-01-02T00:00:00Z'),
  delaySeconds: 0,
  switchedOff: undefined,
  maxAttempts: 3,
  stored: new Set(),
  downloadFailures: new Map(),
  ...changes,
});
const record = (outcome: 'running' | 'success' | 'restart' | 'notNeeded' | 'failed', attempts = 1) => ({
  record: { name: 'tool', packageVersion: '1.0', attempts, at: '2026-01-01T12:00:00Z', outcome, detail: 'it ended so' },
});

describe('a package', () => {
  it('that is found is OK, whatever was tried', () => {
    expect(judgePackage(manifest(), known({ detected: true, ...record('failed', 9) }))).toMatchObject({
      state: 'OK',
      reason: 'installed: C:\\tool.exe is there',
      wanted: false,
    });
  });

  it.each([
    ['it is for x86, arm64, and this host is amd64', { architectures: ['x86', 'arm64'] }],
    ['it needs Windows 10.0.26200 or later, and this host has 10.0.26100.1', { windowsAtLeast: '10.0.26200' }],
    ['it is for Windows before 10.0.26100, and this host has 10.0.26100.1', { windowsBelow: '10.0.26100' }],
    ['it is for edition Enterprise, and this host has Professional', { editions: ['Enterprise'] }],
    ['it is for language de-DE, and this host has en-us', { languages: ['de-DE'] }],
    ['it needs the package base/1, which is not installed here', { packages: ['base/1'] }],
    ['it needs 101 free bytes on the disk, and this host has 100', { freeBytes: 101 }],
  ] as const)('%s', (reason, prerequisites) => {
    expect(judgePackage(manifest({ prerequisites }), known())).toMatchObject({
      state: 'DISCARDED',
      reason,
      wanted: false,
    });
  });

  it('whose prerequisites hold is wanted, names in any case', () => {
    const prerequisites = {
      architectures: ['amd64'] as const,
      windowsAtLeast: '10.0.26100',
      windowsBelow: '10.0.26101',
      editions: ['professional'],
      languages: ['en-US'],
      packages: ['base/1'],
      freeBytes: 100,
    };
    expect(judgePackage(manifest({ prerequisites }), known({ installed: new Set(['base/1']) }))).toMatchObject({
      state: 'PENDING',
      wanted: true,
    });
  });

  it('asks for room before its files are here only', () => {
    const here = known({ stored: new Set(['a'.repeat(64)]) });
    expect(judgePackage(manifest({ prerequisites: { freeBytes: 101 } }), here)).toMatchObject({
      state: 'PENDING',
      reason: 'all its files are downloaded',
    });
  });

  it('obeys the switch and the deferral of the rules', () => {
    expect(judgePackage(manifest(), known({ switchedOff: 'off by "frozen"' }))).toMatchObject({
      state: 'DISCARDED',
      reason: 'off by "frozen"',
    });
    const delayed = judgePackage(manifest(), known({ delaySeconds: 2 * 86_400 }));
    expect(delayed).toMatchObject({ state: 'DISCARDED', until: '2026-01-03T00:00:00.000Z', wanted: false });
    expect(judgePackage(manifest(), known({ delaySeconds: 86_400 }))).toMatchObject({ state: 'PENDING' });
  });

  it('says why its download failed, and is tried again', () => {
    const failing = known({ downloadFailures: new Map([['a'.repeat(64), 'damaged']]) });
    expect(judgePackage(manifest(), failing)).toMatchObject({
      state: 'ERROR',
      reason: 'download of setup.exe failed: damaged',
      wanted: true,
    });
  });

  it.each([
    [record('failed'), 'ERROR', true, 'it ended so (attempt 1 of 3)'],
    [record('failed', 3), 'ERROR', false, 'it ended so (attempt 3 of 3; given up until its next version)'],
    [record('running'), 'PENDING', true, /stopped in the middle of an installation and will repeat it/],
    [record('running', 3), 'ERROR', false, /stopped in the middle of each installation/],
    [record('success'), 'ERROR', true, /reported success at .*, but it is not true that C:\\tool.exe is there/],
    [record('restart'), 'PENDING', false, 'done but for a restart: it ended so'],
    [record('notNeeded'), 'OK', false, 'not needed here: it ended so'],
  ] as const)('after %j', (before, state, wanted, reason) => {
    const judged = judgePackage(manifest(), known(before));
    expect(judged).toMatchObject({ state, wanted });
    expect(judged.reason).toMatch(
      typeof reason === 'string' ? new RegExp(`^${reason.replace(/[()]/g, '\\$&')}$`) : reason,
    );
  });

  it('that a restart did not complete has failed', () => {
    const facts = { ...known().facts, bootedAt: '2026-01-01T13:00:00Z' };
    expect(judgePackage(manifest(), known({ ...record('restart'), facts }))).toMatchObject({
      state: 'ERROR',
      reason: expect.stringContaining('restarted at 2026-01-01T13:00:00Z, and it is not true that'),
    });
  });
});

it('exit codes have 32 bits, with a sign or without', () => {
  const { exitCodes } = manifest();
  expect([0, 3010, -2_145_124_329, 0x8024_0017, 1603].map((code) => meaningOf(code, exitCodes))).toEqual([
    'success',
    'restart',
    'notNeeded',
    'notNeeded',
    'failed',
  ]);
});

it('a package comes after those that it needs', () => {
  const needing = (name: string, ...packages: string[]) => manifest({ name, prerequisites: { packages } });
  const ordered = inOrderOfNeeds([needing('a', 'b/1.0'), needing('b', 'c/1.0'), needing('c', 'a/1.0', 'x/1')]);
  expect(ordered.map(packageRef)).toEqual(['c/1.0', 'b/1.0', 'a/1.0']);
});

it('commands name files by placeholders, and nothing else of them is replaced', () => {
  const { command } = manifest({ command: { program: '{folder}\\x.exe', arguments: ['{file:setup.exe}', '{other}'] } });
  expect(commandFor(command, 'C:\\p', (name) => `C:\\p\\${name}`)).toEqual({
    program: 'C:\\p\\x.exe',
    arguments: ['C:\\p\\setup.exe', '{other}'],
  });
  expect(unknownFiles(manifest({ command: { program: '{file:y.exe}', arguments: [] } }))).toEqual(['y.exe']);
});

it.each<[FactDetection, boolean]>([
  [{ kind: 'hotfix', kb: '5000001' }, true],
  [{ kind: 'hotfix', kb: '5000002' }, false],
  [{ kind: 'registry', key: 'K', name: 'Version' }, true],
  [{ kind: 'registry', key: 'K', name: 'Other' }, false],
  [{ kind: 'registry', key: 'K', name: 'Version', equals: '1.10' }, true],
  [{ kind: 'registry', key: 'K', name: 'Version', equals: '1.1' }, false],
  [{ kind: 'registry', key: 'K', name: 'Version', atLeast: '1.9' }, true],
  [{ kind: 'registry', key: 'K', name: 'Version', atLeast: '1.11' }, false],
  [{ kind: 'file', path: 'plain', atLeast: '1' }, false],
  [{ kind: 'file', path: 'plain' }, true],
  [{ kind: 'file', path: 'absent' }, false],
  [{ kind: 'windows', atLeast: '10.0.26100' }, true],
  [{ kind: 'windows', atLeast: '10.0.26101' }, false],
])('%j is found: %s', (rule, found) => {
  const facts: DetectionFacts = {
    windows: '10.0.26100.5',
    hotfix: (kb) => kb === '5000001',
    registry: (_key, name) => (name === 'Version' ? '1.10' : undefined),
    file: (path) => (path === 'plain' ? '' : undefined),
  };
  expect(isDetected(rule, facts)).toBe(found);
});
