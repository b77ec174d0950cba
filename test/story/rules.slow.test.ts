import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { Explanation } from '#shared/contract/operators/rules.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import { type StoryAgent, type StoryAgents, storyAgents } from './agents.ts';
import { bookOf, type PackageDraft } from './rule-books.ts';
import { startWorld, until, type World } from './world.ts';

/** What rule packages do on the whole way: written by a person, told to two groups, judged by agents, reported, explained. */

let folder: string;
let world: World;
let agents: StoryAgents;
/** A Windows 7 among the pilots, a Windows Server 2016 among the servers: both have servicing stack updates of their own. */
let pilot: StoryAgent;
let server: StoryAgent;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-rules-'));
  world = await startWorld({ folder });
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  agents = await storyAgents(join(folder, 'hosts'));
  pilot = await agents.enrol(world, 'windows7-sp1-x64', 'pilots');
  server = await agents.enrol(world, 'server2016-x64', 'servers');
});
afterAll(async () => {
  await agents?.close();
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

const generous: PackageDraft = { name: 'generous', settings: { defaultAllow: true } };
const strict: PackageDraft = { name: 'strict', settings: { defaultAllow: false } };

/** What the broker has of a host's last report, without what is installed. */
async function needed({ host }: StoryAgent): Promise<readonly ReportedUpdate[]> {
  const view = await world.call(operatorEndpoints.getHost, { params: { machineId: host.machineId } });
  return (view.last?.report.updates ?? []).filter(({ state }) => state !== 'OK');
}

async function rulesRevisionOf({ host }: StoryAgent): Promise<number | undefined> {
  const view = await world.call(operatorEndpoints.getHost, { params: { machineId: host.machineId } });
  return view.last?.report.rulesRevision;
}

/** Writes the rules and waits until both hosts judged by them; the broker keeps rules in memory for some seconds. */
async function judgedBy(book: RuleBook): Promise<void> {
  const { revision } = await world.setRules(book);
  for (const agent of [pilot, server])
    await until(
      `${agent.host.machineId} judges by revision ${revision}`,
      async () => {
        await agent.cycle();
        return rulesRevisionOf(agent);
      },
      (seen) => seen === revision,
    );
}

const explanationOf = ({ host }: StoryAgent): Promise<Explanation> =>
  world.call(operatorEndpoints.explainRules, { params: { machineId: host.machineId } });

/** What the broker would say of each update that the host discarded, and what the host said. */
async function wordForWord(agent: StoryAgent): Promise<number> {
  const discarded = (await needed(agent)).filter(({ state }) => state === 'DISCARDED');
  const { updates } = await explanationOf(agent);
  const explained = new Map(updates.map((update) => [update.updateId, update]));
  expect(discarded.map(({ updateId }) => [updateId, explained.get(updateId)?.verdict.reason])).toEqual(
    discarded.map(({ updateId, reason }) => [updateId, reason]),
  );
  for (const { updateId } of discarded) {
    const steps = explained.get(updateId)?.steps ?? [];
    expect(steps.filter(({ decided }) => decided).map(({ said }) => said)).toEqual([
      explained.get(updateId)?.verdict.reason,
    ]);
  }
  return discarded.length;
}

const titleOf = async (updateId: string): Promise<string | undefined> =>
  (await world.call(operatorEndpoints.getUpdate, { params: { updateId } })).update.title;

/** Updates of a host by their titles, as far as they are one of these states. */
async function titlesIn(agent: StoryAgent, ...states: readonly ReportedUpdate['state'][]) {
  const some = (await needed(agent)).filter(({ state }) => states.includes(state));
  return Promise.all(some.map(async (update) => ({ update, title: await titleOf(update.updateId) })));
}

describe('rule packages', () => {
  it('count in the group that they are assigned to, and on the host itself', async () => {
    const own: PackageDraft = { name: 'own', priority: 5, rules: [{ effect: 'allow', when: { kbs: ['890830'] } }] };
    await judgedBy(bookOf({ pilots: [generous], servers: [strict] }, { [server.host.machineId]: [own] }));
    expect((await needed(pilot)).map(({ state }) => state)).not.toContain('DISCARDED');
    expect((await needed(pilot)).map(({ state }) => state)).toContain('MISSING');
    expect(await explanationOf(pilot)).toMatchObject({ group: 'pilots', packages: ['generous'] });
    expect(await explanationOf(server)).toMatchObject({ group: 'servers', packages: ['own', 'strict'] });
    const wanted = (await needed(server)).filter(({ state }) => state === 'MISSING');
    expect(wanted.flatMap(({ kbs }) => kbs)).toContain('890830');
    const [discarded] = (await needed(server)).filter(({ state }) => state === 'DISCARDED');
    expect(discarded?.reason).toMatch(/^no rule allows KB\d+ .*, and the default of "strict" is to hold back$/);
    expect(await wordForWord(server)).toBeGreaterThan(0);
  });

  it('let servicing stack updates through where nothing else is allowed, unless one is forbidden by its id', async () => {
    await judgedBy(bookOf({ pilots: [generous], servers: [strict] }));
    const wanted = await titlesIn(server, 'MISSING');
    expect(wanted.map(({ title }) => isServicingStack({ title }))).toEqual([true]);
    const [stack] = wanted;
    if (stack === undefined) throw new Error('no servicing stack update is wanted');
    const { updateId, kbs } = stack.update;
    const byKb: PackageDraft = { name: 'by-kb', rules: [{ effect: 'forbid', when: { kbs: [...kbs] } }] };
    await judgedBy(bookOf({ pilots: [generous], servers: [strict, byKb] }));
    expect((await titlesIn(server, 'MISSING')).map(({ update }) => update.updateId)).toEqual([updateId]);
    const byId: PackageDraft = { name: 'by-id', rules: [{ effect: 'forbid', when: { updates: [updateId] } }] };
    await judgedBy(bookOf({ pilots: [generous], servers: [strict, byId] }));
    const forbidden = (await needed(server)).find((update) => update.updateId === updateId);
    expect(forbidden).toMatchObject({
      state: 'DISCARDED',
      reason: `forbidden by rule 1 of "by-id": update ${updateId}`,
    });
    expect(await wordForWord(server)).toBeGreaterThan(1);
  });

  it('forbid by product, and the impact said before is what comes of it', async () => {
    await judgedBy(bookOf({ pilots: [generous], servers: [generous] }));
    const before = [await needed(pilot), await needed(server)];
    const forbid: PackageDraft = {
      name: 'no-windows-7',
      rules: [{ effect: 'forbid', when: { products: ['windows 7'] }, comment: 'out of support' }],
    };
    const book = bookOf({ pilots: [generous, forbid], servers: [generous, forbid] });
    await world.stack.streamsDrained();
    const impact = await world.call(operatorEndpoints.askImpact, { body: { version: 2, book } });
    // Nothing is done by the question.
    expect((await world.call(operatorEndpoints.getRules)).book).not.toEqual(book);

    await judgedBy(book);
    const changed = [];
    for (const [at, agent] of [pilot, server].entries()) {
      const states = new Map(before[at]?.map(({ updateId, state }) => [updateId, state]));
      for (const { updateId, kbs, state, reason } of await needed(agent))
        if (states.get(updateId) !== state) changed.push({ group: agent.group, updateId, kbs, state, reason });
      expect(await wordForWord(agent)).toBe(changed.filter(({ group }) => group === agent.group).length);
    }
    const reason = 'forbidden by rule 1 of "no-windows-7": product Windows 7; comment: out of support';
    expect(changed.map((change) => [change.state, change.reason])).toEqual(changed.map(() => ['DISCARDED', reason]));
    const names = (all: readonly { readonly group: string; readonly updateId: string }[]): string[] =>
      all.map(({ group, updateId }) => `${group} ${updateId}`).sort();
    expect(names(impact.changes)).toEqual(names(changed));
    expect(impact).toMatchObject({ hosts: 2, total: changed.length });
    for (const change of impact.changes)
      expect(change).toMatchObject({
        hosts: 1,
        before: { allowed: true },
        after: { allowed: false, code: 'forbidden', reason },
      });
    // Of what a server needs only the removal tool, which is for every Windows, is for Windows 7, too.
    expect(changed.filter(({ group }) => group === 'servers').map(({ kbs }) => kbs)).toEqual([['890830']]);
    expect(names(changed).length).toBeGreaterThan(2);
  });

  it('hold and delay until their time has come; the agents act on it by themselves', async () => {
    await judgedBy(bookOf({ pilots: [generous], servers: [generous] }));
    const isStack = (title: string | undefined) => isServicingStack({ title });
    const [held] = (await titlesIn(pilot, 'MISSING')).filter(({ title }) => !isStack(title));
    const ages = await Promise.all(
      (await titlesIn(server, 'MISSING'))
        .filter(({ title }) => !isStack(title))
        .map(async ({ update: { updateId } }) => {
          const { update } = await world.call(operatorEndpoints.getUpdate, { params: { updateId } });
          return { updateId, firstPublishedAt: update.firstPublishedAt };
        }),
    );
    // The delay of all others is over before.
    const newest = ages.toSorted((a, b) => (a.firstPublishedAt < b.firstPublishedAt ? -1 : 1)).at(-1);
    if (held === undefined || newest === undefined) throw new Error('there is nothing to hold or to delay');
    const { updateId, firstPublishedAt } = newest;
    // The rules reach the hosts within some seconds; the rest is for a machine that has much else to do.
    const end = Math.floor(Date.now() / 1000) + 30;
    const expiresAt = new Date(end * 1000).toISOString();
    const hold: PackageDraft = {
      name: 'hold',
      rules: [{ effect: 'hold', when: { updates: [held.update.updateId] }, expiresAt }],
    };
    const delay: PackageDraft = {
      name: 'delay',
      settings: { installDelaySeconds: end - Date.parse(firstPublishedAt) / 1000 },
    };
    await judgedBy(bookOf({ pilots: [generous, hold], servers: [generous, delay] }));
    const of = async (agent: StoryAgent, id: string) => (await needed(agent)).find((one) => one.updateId === id);
    expect(await of(pilot, held.update.updateId)).toMatchObject({
      state: 'DISCARDED',
      reason: `held back until ${expiresAt} by rule 1 of "hold": update ${held.update.updateId}`,
    });
    expect(await of(server, updateId)).toMatchObject({
      state: 'DISCARDED',
      reason: expect.stringContaining(`delayed until ${expiresAt} by "delay": `),
    });
    expect(await wordForWord(pilot)).toBe(1);
    expect(await wordForWord(server)).toBeGreaterThan(0);
    const waiting = [
      [pilot, held.update.updateId],
      [server, updateId],
    ] as const;
    for (const [agent, id] of waiting) {
      const { updates } = await explanationOf(agent);
      const verdict = updates.find((update) => update.updateId === id)?.verdict;
      expect(verdict).toMatchObject({ allowed: false, until: expiresAt });
    }
    // A host that comes all the time would be asked to come again later.
    await until(
      `it is ${expiresAt}`,
      async () => Date.now(),
      (now) => now >= end * 1000,
    );
    for (const [agent, id] of waiting) {
      await agent.cycle();
      expect(await of(agent, id)).toMatchObject({ state: 'MISSING' });
    }
  });

  it('have servicing stack updates installed first', async () => {
    await world.run('SweepRequestsFunction');
    await until(
      'every file that was asked for has come',
      async () => (await world.call(operatorEndpoints.getStatus)).requests.byState,
      ({ open, queued, fetching }) => open + queued + fetching === 0,
    );
    for (const agent of [pilot, server]) {
      const { installs } = await agent.cycle();
      expect(installs.map(({ outcome }) => outcome)).toEqual(installs.map(() => 'installed'));
      const titles = await Promise.all(installs.map(({ updateId }) => titleOf(updateId)));
      const stacks = titles.map((title) => isServicingStack({ title }));
      expect(titles.length).toBeGreaterThan(1);
      expect(stacks[0]).toBe(true);
      expect(stacks).toEqual(stacks.toSorted((a, b) => Number(b) - Number(a)));
      expect(await needed(agent)).toEqual([]);
    }
  });
});
