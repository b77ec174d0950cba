import { afterAll, beforeAll, expect, it } from 'vitest';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { createRawHost, factsOf } from '#test/kit/raw-host.ts';
import { reportNeeding, wholeReport } from './hosts.ts';
import { startWorld, until, type World } from './world.ts';

/** What an identity is good for, on the running stack: with the permissions that its functions have, and no more. */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const { checkIn, postReport } = agentEndpoints;
const quiet = { version: 1, outcomes: [] };
const newHost = (machineId: string) => createRawHost(world.output('ApiUrl'), machineId);
const told = (detailType: string) => world.stack.events().filter((event) => event.detailType === detailType);
const viewOf = (machineId: string) => world.call(operatorEndpoints.getHost, { params: { machineId } });

it('a machine that was installed anew gets a new key by a token that may replace the old one', async () => {
  const before = await newHost('pc-1');
  await before.enrol(await world.enrolmentToken());
  expect((await before.send(postReport, wholeReport(reportNeeding('pc-1', [])))).status).toBe(200);
  const { last } = await viewOf('pc-1');

  const body = { version: 1, group: 'pilots', uses: 1, expiresInSeconds: 3600, replace: true } as const;
  const { token } = await world.call(operatorEndpoints.createToken, { body });
  const anew = await newHost('pc-1');
  await anew.enrol(token);
  expect(await before.send(checkIn, quiet)).toMatchObject({ status: 401, json: { code: 'unauthenticated' } });
  expect((await anew.send(checkIn, quiet)).status).toBe(200);
  const view = await viewOf('pc-1');
  expect(view).toMatchObject({ summary: { group: 'pilots' }, keyThumbprint: anew.thumbprint });
  expect(view.last).toEqual(last);
  // Its one use is spent.
  await expect((await newHost('pc-2')).enrol(token)).rejects.toThrow(/401.*uses .* spent/);
});

it('a copied disk is refused at its enrolment and afterwards, and told of once', async () => {
  const original = await newHost('original');
  await original.enrol(await world.enrolmentToken());
  const asCopy = { claims: { sub: 'copy' } };
  for (let times = 0; times < 2; times += 1)
    expect(await original.send(checkIn, quiet, asCopy)).toMatchObject({ status: 403, json: { code: 'cloned' } });
  const body = {
    version: 1,
    token: await world.enrolmentToken(),
    publicKey: original.publicKey,
    host: factsOf('copy'),
  };
  const enrolling = { claims: { sub: 'copy', aud: 'urn:kbroker:enrolment' } };
  expect(await original.send(agentEndpoints.enrol, body, enrolling)).toMatchObject({ status: 403 });
  expect(told('HostCloned').map(({ detail }) => detail)).toEqual([
    { version: 1, machineId: 'original', cloneMachineId: 'copy', at: expect.any(String) },
  ]);
});

it('a command reaches the hosts that it is for, and how it ended reaches whoever asks', async () => {
  const host = await newHost('pc-3');
  await host.enrol(await world.enrolmentToken('front-desk'));
  const other = await newHost('pc-4');
  await other.enrol(await world.enrolmentToken('back-office'));
  expect((await host.send(checkIn, quiet)).json).toMatchObject({ pollSeconds: 7200, commands: [] });
  const target = { kind: 'group', group: 'front-desk' } as const;
  const wish = { version: 1, verb: 'scan', target, expiresInSeconds: 3600 } as const;
  const { commandId } = await world.call(operatorEndpoints.createCommand, { body: wish });
  const answer = await until(
    'the command is told',
    async () => {
      // Slowly: a host has 60 requests at once, and the function learns of commands every five seconds.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (await host.send(checkIn, quiet)).json;
    },
    (json) => checkIn.response.parse(json).commands.length > 0,
  );
  expect(answer).toMatchObject({ pollSeconds: 60, commands: [{ commandId, verb: 'scan' }] });
  expect((await other.send(checkIn, quiet)).json).toMatchObject({ commands: [] });

  const outcome = { commandId, outcome: 'done', detail: 'scanned', at: new Date().toISOString() };
  // Who was not meant says nothing.
  for (const one of [other, host, host])
    expect((await one.send(checkIn, { ...quiet, outcomes: [outcome] })).json).toMatchObject({
      acknowledged: [commandId],
    });
  const view = await world.call(operatorEndpoints.getCommand, { params: { commandId } });
  expect(view.command.outcomes).toEqual({ done: 1, failed: 0 });
  expect(view.outcomes).toEqual([{ machineId: 'pc-3', ...outcome }]);
  expect(told('CommandFinished').map(({ detail }) => detail)).toEqual([
    { version: 1, verb: 'scan', machineId: 'pc-3', ...outcome },
  ]);
});

it('what does not parse is kept aside for whoever looks, and the last good report stays', async () => {
  const host = await newHost('pc-5');
  await host.enrol(await world.enrolmentToken());
  await host.send(postReport, wholeReport(reportNeeding('pc-5', [])));
  expect((await host.send(postReport, { version: 2, kind: 'whole' }, { gzip: true })).status).toBe(400);
  const view = await viewOf('pc-5');
  expect(view.rejected).toMatchObject({ reason: expect.stringContaining('report') });
  expect(view.last?.report.host.machineId).toBe('pc-5');
});
