import { describe, expect, it } from 'vitest';
import type { CycleResult } from '#agent/main.ts';
import { createCycleTally } from './tally.ts';

const at = '2026-01-13T18:00:00Z';
const sha1 = '1'.repeat(40);
const cycle = (changes: Partial<CycleResult> = {}): CycleResult => ({
  version: 2,
  startedAt: at,
  endedAt: at,
  phases: [],
  updates: [],
  needs: [],
  reports: [],
  downloads: [],
  installs: [],
  packages: [],
  packageRuns: [],
  commands: [],
  removed: [],
  problems: [],
  ...changes,
});
const index = { sha256: '2'.repeat(64), bytes: 5, publishedAt: at };
const installed = {
  updateId: '00000000-0000-4000-8000-000000000001',
  revision: 1,
  outcome: 'installed' as const,
  rebootRequired: false,
};

describe('the tally of cycles', () => {
  it('says nothing when nothing happened', () => {
    const tally = createCycleTally();
    tally.add('pc-1', cycle({ index: { ...index, bytesReceived: 0 } }));
    expect(tally.take()).toBeUndefined();
  });

  it('sums up what hosts did, once', () => {
    const tally = createCycleTally();
    tally.add('pc-1', cycle({ index: { ...index, bytesReceived: 5 }, needs: [sha1] }));
    tally.add(
      'pc-2',
      cycle({
        downloads: [
          { sha1, outcome: 'downloaded', bytesReceived: 2_000_000, bytesResumed: 0, source: 'repository' },
          { sha1, outcome: 'failed', code: 'x', reason: 'y' },
        ],
        installs: [installed, { ...installed, outcome: 'failed', reason: 'z' }],
      }),
    );
    expect(tally.take()).toBe(
      '1 host took the new index, 1 host asked for files, 1 host pulled 1 file (2.0 MB), 1 host installed 1 update',
    );
    expect(tally.take()).toBeUndefined();
  });

  it('names each problem once, with the first host that has it', () => {
    const tally = createCycleTally();
    const problem = { phase: 'pull' as const, code: 'unreachable', message: 'no answer', retryable: true };
    for (const host of ['pc-1', 'pc-2', 'pc-3']) tally.add(host, cycle({ problems: [problem] }));
    tally.add('pc-4', cycle({ problems: [{ ...problem, code: 'stopped' }] }));
    expect(tally.take()).toBe('pc-1 and 2 more: pull: no answer');
  });
});
