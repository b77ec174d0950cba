import { describe, expect, it } from 'vitest';
import { formatCycle } from './cli-text.ts';
import type { CycleResult } from './main.ts';

const nothing: CycleResult = {
  version: 2,
  startedAt: '2026-11-26T08:00:00.000Z',
  endedAt: '2026-11-26T08:00:01.000Z',
  phases: ['check-in'],
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
};
const unreachable = { phase: 'check-in', code: 'unreachable', message: 'no answer', retryable: true } as const;

describe('a cycle that looked at no update', () => {
  it.each([
    ['checked in', nothing],
    ['not checked in', { ...nothing, problems: [unreachable] }],
    ['not scanned', { ...nothing, phases: ['check-in', 'scan'], problems: [unreachable] }],
  ] satisfies [string, CycleResult][])('is told as %s', (words, result) => {
    expect(formatCycle(result)).toMatch(new RegExp(`^${words} at 2026-11-26T08:00:01.000Z$`, 'm'));
  });
});
