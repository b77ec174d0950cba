import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckInAnswer } from '#shared/contract/agent/check-in.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { enrolHost, type PlayedHost } from './hosts.ts';
import { startWorld, type World } from './world.ts';

/** A command from the person who gives it to the host that carries it out, and back, under the grants of the template. */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const { checkIn } = agentEndpoints;

async function checksIn(host: PlayedHost, outcomes: readonly unknown[] = []): Promise<CheckInAnswer> {
  const { status, body } = await host.ask(checkIn, { version: 1, outcomes });
  expect(status, JSON.stringify(body)).toBe(200);
  return checkIn.response.parse(body);
}

it('a command to a group reaches its hosts alone, and each tells once how it ended', async () => {
  const [pilot, other] = await Promise.all([
    enrolHost(world, 'pilot-1', 'pilot'),
    enrolHost(world, 'other-1', 'other'),
  ]);
  expect((await checksIn(pilot)).commands).toEqual([]);
  const given = await world.callAs('operator')(operatorEndpoints.createCommand, {
    body: { version: 1, verb: 'scan', target: { kind: 'group', group: 'pilot' }, expiresInSeconds: 3600 },
  });
  const { commandId } = given;

  const told = await checksIn(pilot);
  expect(told.commands).toMatchObject([{ commandId, verb: 'scan' }]);
  expect(told.pollSeconds).toBeLessThan(120);
  expect((await checksIn(other)).commands).toEqual([]);

  const at = new Date().toISOString();
  const outcome = { commandId, outcome: 'done', detail: '3 updates needed', at };
  expect((await checksIn(pilot, [outcome])).acknowledged).toEqual([commandId]);
  // Told again after a lost answer, and with another end: the first one stays.
  await checksIn(pilot, [{ ...outcome, outcome: 'failed' }]);
  // A host for which the command never was has no say in it.
  await checksIn(other, [outcome]);

  const view = await world.callAs('viewer')(operatorEndpoints.getCommand, { params: { commandId } });
  expect(view.command.outcomes).toEqual({ done: 1, failed: 0 });
  expect(view.outcomes).toMatchObject([{ machineId: 'pilot-1', outcome: 'done', detail: '3 updates needed' }]);
  const finished = world.stack.events().filter(({ detailType }) => detailType === 'CommandFinished');
  expect(finished.map(({ detail }) => detail)).toMatchObject([{ commandId, machineId: 'pilot-1', outcome: 'done' }]);
});

it('a command that was cancelled is told to nobody any more', async () => {
  const host = await enrolHost(world, 'cancelled-1', 'cancelled');
  const { commandId } = await world.call(operatorEndpoints.createCommand, {
    body: { version: 1, verb: 'install', target: { kind: 'host', machineId: 'cancelled-1' }, expiresInSeconds: 3600 },
  });
  expect((await checksIn(host)).commands).toMatchObject([{ commandId, verb: 'install' }]);
  await world.call(operatorEndpoints.cancelCommand, { params: { commandId }, body: {} });
  // What the function keeps in memory is some milliseconds old at this speed of the stack.
  await expect.poll(async () => (await checksIn(host)).commands).toEqual([]);
});
