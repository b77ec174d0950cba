import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StackEvent } from '#local/types.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { currentPointer, payloadFiles, playedHost, postReport, reportNeeding } from './hosts.ts';
import { fromRepository } from './repository.ts';
import { bookOf } from './rule-books.ts';
import { startWorld, until, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
});
afterAll(() => world?.close());

describe('the cookies of a check-in', () => {
  it('open the repository, and are the same for every host', async () => {
    const cookiesOf = async (machineId: string) => {
      const host = await playedHost(world, machineId);
      const { status, body } = await host.ask(agentEndpoints.checkIn, { version: 1, outcomes: [] });
      expect(status).toBe(200);
      const { cookies } = agentEndpoints.checkIn.response.parse(body);
      if (cookies === undefined) throw new Error(`no cookies for ${machineId}`);
      return cookies;
    };
    const cookies = await cookiesOf('host-a');
    expect(await cookiesOf('host-b')).toEqual(cookies);
    expect(Date.parse(cookies.expiresAt)).toBeGreaterThan(Date.now() + 3_600_000);

    const cookie = Object.entries(cookies.values)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
    const { sha256 } = await currentPointer(world);
    const index = await fromRepository(world, `/index/sha256/${sha256}.cab`, { cookie });
    expect(index.status).toBe(200);
    expect(
      createHash('sha256')
        .update(new Uint8Array(await index.arrayBuffer()))
        .digest('hex'),
    ).toBe(sha256);
    // Beyond the cookies it is the bucket that refuses: it has a policy of its own.
    const outside = await fromRepository(world, `/catalog/v1/${sha256}.json.gz`, { cookie });
    expect([outside.status, await outside.text()]).toEqual([403, expect.not.stringContaining('MissingKey')]);
  });
});

describe('the bus', () => {
  const told = (detailType: string): readonly StackEvent[] =>
    world.stack.events().filter((event) => event.detailType === detailType);

  it('hears of an index once it is current, and not of one that is current already', async () => {
    const { sha256, updates, files, publishedAt } = await currentPointer(world);
    const published = {
      bus: world.output('EventBus'),
      source: 'kbroker',
      detail: { version: 1, sha256, updates, files, publishedAt },
    };
    expect(told('IndexPublished')).toEqual([expect.objectContaining(published)]);
    await world.run('SyncIndexFunction');
    expect(told('IndexPublished')).toHaveLength(1);
  });

  it('hears of a file once it can be downloaded', async () => {
    const [file] = (await payloadFiles(world)).toReversed();
    if (file === undefined) throw new Error('the fake Microsoft offers no file');
    await postReport(world, reportNeeding('host-a', [file.sha1]));
    await world.run('SweepRequestsFunction');
    const [event] = await until(
      `${file.name} is told of`,
      async () => told('FileCached'),
      (events) => events.length > 0,
    );
    const { sha1, sha256, size, name } = file;
    expect(event?.detail).toEqual({ version: 1, sha1, sha256, size, name });
    expect((await fromRepository(world, `/payloads/sha256/${sha256}`)).status).toBe(200);
  });

  it('hears of new rules', async () => {
    await world.setRules(
      bookOf({ everyone: [{ name: 'base', rules: [{ effect: 'allow', when: { severities: ['Critical'] } }] }] }),
    );
    expect(told('RulesPublished').map(({ detail }) => detail)).toEqual([
      expect.objectContaining({ version: 1, revision: 1, changedBy: expect.any(String) }),
    ]);
  });
});
