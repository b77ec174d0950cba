import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderedCommand } from '#shared/contract/agent/check-in.ts';
import { commandVerbs } from '#shared/contract/commands.ts';
import {
  acknowledge,
  beginCommands,
  type CycleDone,
  endCommand,
  endInterrupted,
  mostCommands,
  newCommands,
  openOutcomes,
  outcomeOf,
  phasesOfVerbs,
} from './commands.ts';
import { emptyJournal, type Journal } from './journal.ts';

const now = '2026-07-14T18:00:00.000Z';
const later = '2026-07-14T19:00:00Z';
const earlier = '2026-07-14T17:00:00Z';
const order = (commandId: string, changes: Partial<OrderedCommand> = {}): OrderedCommand => ({
  commandId,
  verb: 'scan',
  expiresAt: later,
  ...changes,
});
const done = (commandId: string) => ({ commandId, outcome: 'done' as const, detail: 'done', at: now });

describe('commands', () => {
  it('are taken on when they are new and have not ended, each once', () => {
    const known = beginCommands(emptyJournal, [order('command-1')]);
    const told = [
      order('command-1'),
      order('command-2'),
      order('command-2'),
      order('command-3', { expiresAt: earlier }),
    ];
    expect(newCommands(known, told, now).map(({ commandId }) => commandId)).toEqual(['command-2']);
    // By the broker's clock, whatever the spelling of its times.
    expect(newCommands(emptyJournal, [order('command-4', { expiresAt: '2026-07-14T18:00:00Z' })], now)).toEqual([]);
  });

  it('are not forgotten while they may be told again', () => {
    let journal: Journal = beginCommands(emptyJournal, [order('command-1')]);
    journal = endCommand(journal, done('command-1'));
    expect(openOutcomes(journal, 50)).toEqual([done('command-1')]);
    journal = acknowledge(journal, ['command-1'], now);
    expect(openOutcomes(journal, 50)).toEqual([]);
    expect(newCommands(journal, [order('command-1')], now)).toEqual([]);
    expect(acknowledge(journal, [], '2026-07-14T20:00:00Z').commands).toEqual([]);
  });

  it('whose outcome the broker does not have outlive their end', () => {
    const journal = endCommand(beginCommands(emptyJournal, [order('command-1')]), done('command-1'));
    expect(openOutcomes(acknowledge(journal, [], '2027-01-01T00:00:00Z'), 50)).toEqual([done('command-1')]);
  });

  it('that were cut off have failed', () => {
    const journal = endInterrupted(beginCommands(emptyJournal, [order('command-1'), order('command-2')]), now);
    expect(openOutcomes(journal, 50).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    expect(openOutcomes(journal, 1)).toHaveLength(1);
    expect(endInterrupted(emptyJournal, now)).toEqual(emptyJournal);
  });

  it('mean phases', () => {
    expect(new Set(phasesOfVerbs(['report']))).toEqual(new Set(['scan', 'lookup', 'report']));
    expect(phasesOfVerbs(['scan'])).toContain('pull');
    expect(phasesOfVerbs(['scan'])).not.toContain('download');
    expect(phasesOfVerbs(['download', 'scan'])).toContain('download');
    expect(phasesOfVerbs(['download'])).not.toContain('install');
    expect(phasesOfVerbs(['install'])).toContain('install');
    expect(phasesOfVerbs([])).toEqual([]);
  });

  it('are taken on once, however often and in which order they are told, and the journal is bounded', () => {
    const told = fc.array(fc.nat(mostCommands + 100), { maxLength: 2000 });
    fc.assert(
      fc.property(fc.array(told, { maxLength: 5 }), (rounds) => {
        let journal = emptyJournal;
        const taken: string[] = [];
        for (const ids of rounds) {
          const fresh = newCommands(
            journal,
            ids.map((id) => order(`command-${id}`)),
            now,
          );
          taken.push(...fresh.map(({ commandId }) => commandId));
          journal = beginCommands(journal, fresh);
          for (const { commandId } of fresh) journal = endCommand(journal, done(commandId));
          journal = acknowledge(journal, taken.slice(0, taken.length / 2), now);
        }
        expect(new Set(taken).size).toBe(taken.length);
        expect(journal.commands.length).toBeLessThanOrEqual(mostCommands);
      }),
      { numRuns: 30 },
    );
  });
});

describe('outcomeOf', () => {
  const cycle = (changes: Partial<CycleDone> = {}): CycleDone => ({
    state: 'OK',
    updates: [{}, {}],
    needs: [],
    reports: [{}],
    downloads: [],
    installs: [],
    packageRuns: [],
    problems: [],
    ...changes,
  });
  it.each([
    ['scan', {}, 'done', 'OK, 2 updates known, 0 files needed'],
    ['scan', { state: 'ERROR' }, 'done', 'ERROR, 2 updates known, 0 files needed'],
    ['report', {}, 'done', 'reported; OK, 2 updates known, 0 files needed'],
    [
      'download',
      { downloads: [{ outcome: 'downloaded' }] },
      'done',
      '1 of 1 files downloaded; OK, 2 updates known, 0 files needed',
    ],
    [
      'download',
      { downloads: [{ outcome: 'failed' }] },
      'failed',
      '0 of 1 files downloaded; OK, 2 updates known, 0 files needed',
    ],
    [
      'install',
      { installs: [{ outcome: 'failed' }, { outcome: 'installed' }] },
      'failed',
      '1 of 2 updates installed; 0 of 0 files downloaded; OK, 2 updates known, 0 files needed',
    ],
    [
      'scan',
      { problems: [{ phase: 'pull', message: 'no such object' }] },
      'failed',
      'OK, 2 updates known, 0 files needed; pull: no such object',
    ],
    [
      'scan',
      { problems: [{ phase: 'install', message: 'not asked for' }] },
      'done',
      'OK, 2 updates known, 0 files needed',
    ],
  ] as const)('of %s after %j: %s', (verb, changes, outcome, detail) => {
    expect(outcomeOf(order('command-1', { verb }), cycle(changes), now)).toEqual({
      commandId: 'command-1',
      outcome,
      detail,
      at: now,
    });
  });

  it('fails when nothing was scanned, and keeps to the bound of texts', () => {
    const { state: _, ...unscanned } = cycle();
    for (const verb of commandVerbs) {
      const problems = [{ phase: 'scan' as const, message: 'x'.repeat(5000) }];
      const { outcome, detail } = outcomeOf(order('command-1', { verb }), { ...unscanned, problems }, now);
      expect(outcome).toBe('failed');
      expect(detail).toHaveLength(1024);
    }
  });
});
