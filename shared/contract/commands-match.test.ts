import { describe, expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import type { Command, CommandTarget } from './commands.ts';
import { type CommandedHost, commandsFor, isTarget, mayAnswer } from './commands-match.ts';

const host: CommandedHost = {
  machineId: 'pc-1',
  group: 'pilots',
  state: 'PENDING_UPDATES',
  os: 'Windows 11 Enterprise',
  osVersion: '10.0.26100.1742',
  hostname: 'FRONT-DESK.example',
};
const filter = (parts: Extract<CommandTarget, { kind: 'filter' }>['filter']): CommandTarget => ({
  kind: 'filter',
  filter: parts,
});

describe('a command', () => {
  it.each<[string, CommandTarget, boolean]>([
    ['this host', { kind: 'host', machineId: 'pc-1' }, true],
    ['another host', { kind: 'host', machineId: 'pc-10' }, false],
    ['its group', { kind: 'group', group: 'pilots' }, true],
    ['a group of another case', { kind: 'group', group: 'Pilots' }, false],
    ['a part of the system, in any case', filter({ os: 'windows 11' }), true],
    ['a part of its version, as the list of hosts takes it', filter({ os: '10.0.26100' }), true],
    ['another version', filter({ os: '10.0.22631' }), false],
    ['another system', filter({ os: 'Server' }), false],
    ['a part of the hostname, in any case', filter({ name: 'front' }), true],
    ['a part of the machine id, in any case', filter({ name: 'PC-' }), true],
    ['another name', filter({ name: 'back' }), false],
    ['its state', filter({ state: 'PENDING_UPDATES' }), true],
    ['another state', filter({ state: 'OK' }), false],
    ['all that it has', filter({ group: 'pilots', state: 'PENDING_UPDATES', os: 'Enter', name: 'desk' }), true],
    ['all that it has but the group', filter({ group: 'rest', state: 'PENDING_UPDATES', name: 'desk' }), false],
  ])('is for %s', (_what, target, expected) => {
    expect(isTarget(target, host)).toBe(expected);
  });

  it('may be answered by a host whose state it changed, and by no other than those it was meant for', () => {
    expect(mayAnswer(filter({ state: 'ERROR', name: 'x' }), host)).toBe(true);
    expect(mayAnswer(filter({ state: 'PENDING_UPDATES', group: 'rest' }), host)).toBe(false);
    expect(mayAnswer({ kind: 'host', machineId: 'pc-2' }, host)).toBe(false);
    expect(mayAnswer({ kind: 'group', group: 'pilots' }, host)).toBe(true);
  });

  it('is told until it ends, is cancelled or is answered', () => {
    const command = (commandId: string, more: Partial<Command> = {}): Command => ({
      version: 1,
      commandId,
      verb: 'scan',
      target: { kind: 'group', group: 'pilots' },
      createdAt: at(0),
      createdBy: 'somebody',
      expiresAt: at(100),
      outcomes: { done: 0, failed: 0 },
      ...more,
    });
    const commands = [
      command('command-good'),
      command('command-ended', { expiresAt: at(50) }),
      command('command-cancelled', { cancelledAt: at(10) }),
      command('command-answered'),
      command('command-others', { target: { kind: 'group', group: 'rest' } }),
    ];
    const told = commandsFor(commands, host, new Date(at(50)), [{ commandId: 'command-answered' }]);
    expect(told.map(({ commandId }) => commandId)).toEqual(['command-good']);
  });
});
