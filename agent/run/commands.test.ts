import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandVerb } from '#shared/contract/commands.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { publish, type SmallUpdate, unitId } from '../fixtures/publication.ts';
import { createAgent } from '../main.ts';
import { runCycle } from './cycle.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  bench.site.publish(publish([one]));
});
afterEach(() => bench.close());

const a = { name: 'a.cab', data: randomBytes(5000) };
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a] };

const tell = (verb: CommandVerb, commandId = `command-${verb}`): void => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  bench.site.broker.commands = [...bench.site.broker.commands, { commandId, verb, expiresAt }];
};
const checkInOnly = { phases: ['check-in'] } as const;

describe('a command', () => {
  it('is carried out at the check-in that tells it, once, and its outcome is told at once', async () => {
    const { site } = bench;
    site.hold(a);
    const agent = await bench.agent();
    tell('install');
    const result = await runCycle(agent, checkInOnly);
    expect(result).toMatchObject({
      state: 'OK',
      problems: [],
      installs: [{ outcome: 'installed' }],
      commands: [{ commandId: 'command-install', verb: 'install', outcome: 'done' }],
    });
    expect(site.calls().filter((path) => path.endsWith('check-ins'))).toHaveLength(2);
    expect(site.broker.outcomes).toMatchObject([
      { commandId: 'command-install', outcome: 'done', detail: expect.stringContaining('1 of 1 updates installed') },
    ]);
    // It is still told, to this agent and to one that starts anew.
    expect(await runCycle(agent, checkInOnly)).toMatchObject({ phases: ['check-in', 'trust'], commands: [] });
    expect(await runCycle(await bench.agent(), checkInOnly)).toMatchObject({
      phases: ['check-in', 'trust'],
      commands: [],
    });
    expect(site.broker.outcomes).toHaveLength(1);
  });

  it.each([
    ['scan', { downloads: [], installs: [], updates: [{ state: 'PENDING' }] }],
    ['download', { downloads: [{ outcome: 'downloaded' }], installs: [] }],
    ['report', { downloads: [], installs: [] }],
  ] as const)('%s does that and no more', async (verb, expected) => {
    bench.site.hold(a);
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in', 'pull', 'scan'] });
    tell(verb);
    expect(await runCycle(agent, checkInOnly)).toMatchObject({ ...expected, commands: [{ verb, outcome: 'done' }] });
  });

  it('report brings the whole again', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    await runCycle(agent);
    tell('report');
    await runCycle(agent, checkInOnly);
    expect(site.broker.messages.map(({ kind }) => kind)).toEqual(['whole', 'whole']);
  });

  it('install tries again what was given up', async () => {
    const { site } = bench;
    site.hold(a);
    const failing = [{ updateId: unitId(1), hresult: '0x80070643', message: '', times: 2 }];
    const agent = await bench.agent(aHost({ failing }), { maxInstallAttempts: 1 });
    await runCycle(agent);
    expect((await runCycle(agent)).installs).toEqual([]);
    tell('install', 'command-1');
    expect(await runCycle(agent)).toMatchObject({
      commands: [{ outcome: 'failed' }],
      installs: [{ outcome: 'failed' }],
    });
    tell('install', 'command-2');
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', commands: [{ outcome: 'done' }] });
    expect(site.broker.outcomes.map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
  });

  it('whose outcome could not be told is told until the broker has it, and not carried out again', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    tell('scan');
    site.broker.deaf = true;
    expect((await runCycle(agent)).commands).toHaveLength(1);
    expect((await runCycle(agent)).commands).toEqual([]);
    expect(site.broker.outcomes).toEqual([]);
    site.broker.deaf = false;
    await runCycle(agent, checkInOnly);
    await runCycle(agent, checkInOnly);
    expect(site.broker.outcomes).toMatchObject([{ commandId: 'command-scan', outcome: 'done' }]);
  });

  it('in which the agent dies has failed, and is not begun again', async () => {
    const { site } = bench;
    site.hold(a);
    const agent = await bench.agent();
    const { updateAgent } = agent.adapters;
    const dying = createAgent(agent.settings, {
      ...agent.adapters,
      updateAgent: { ...updateAgent, install: () => Promise.reject(new TypeError('the process ends here')) },
    });
    tell('install');
    await expect(runCycle(dying, checkInOnly)).rejects.toThrow('the process ends here');
    const again = await runCycle(agent, checkInOnly);
    expect(again).toMatchObject({ phases: ['check-in', 'trust'], commands: [], installs: [] });
    expect(site.broker.outcomes).toMatchObject([
      { commandId: 'command-install', outcome: 'failed', detail: expect.stringContaining('was stopped') },
    ]);
  });

  it('that has ended, or that nobody asked to heed, is left alone', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    site.broker.commands = [{ commandId: 'command-old', verb: 'scan', expiresAt: new Date(0).toISOString() }];
    expect(await runCycle(agent, checkInOnly)).toMatchObject({ phases: ['check-in', 'trust'], commands: [] });
    tell('scan');
    expect(await runCycle(agent, { ...checkInOnly, heedCommands: false })).toMatchObject({ commands: [] });
    // A later cycle may still take it on.
    expect(await runCycle(agent, checkInOnly)).toMatchObject({ commands: [{ outcome: 'done' }] });
  });

  it('is forgotten when the broker has its outcome and it has ended', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    tell('scan');
    await runCycle(agent, checkInOnly);
    const journal = async () =>
      JSON.parse(await readFile(join(bench.folder, 'host-1', 'state', 'journal.json'), 'utf8')).commands;
    expect(await journal()).toMatchObject([{ state: 'acknowledged' }]);
    site.broker.commands = [];
    site.broker.ahead = 200;
    await runCycle(agent, checkInOnly);
    expect(await journal()).toHaveLength(1);
    site.broker.ahead = 7200;
    await runCycle(agent, checkInOnly);
    expect(await journal()).toEqual([]);
  });
});
