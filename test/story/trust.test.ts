import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '#cli/main.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { rulesOf } from '#shared/repository/author.ts';
import { signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { parseMetadata, type RoleMetadata, sign, textOf, unsigned } from '#shared/repository/metadata.ts';
import { type Published, readPublished } from '#shared/repository/published.ts';
import { kmsSigner } from '#shared/signing/kms.ts';
import { awsRepositoryStore } from '#shared/stores/repository/aws.ts';
import { type StoryAgent, type StoryAgents, storyAgents } from './agents.ts';
import { startWorld, type World } from './world.ts';

/** The same machine twice, by the group of its token. */
const strict: RuleBook['packages'][number] = {
  name: 'strict',
  priority: 0,
  rules: [{ effect: 'forbid', when: { title: '*' }, comment: 'nothing at all' }],
};
const lax: RuleBook['packages'][number] = { name: 'lax', priority: 0, rules: [], settings: { defaultAllow: true } };
const book: RuleBook = {
  packages: [strict, lax],
  assignments: { groups: { vault: ['strict'], lab: ['lax'] }, hosts: {} },
};

let world: World;
let agents: StoryAgents;
let host: StoryAgent;
beforeAll(async () => {
  world = await startWorld();
  agents = await storyAgents(join(world.folder, 'machines'));
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  await world.setRules(book);
  host = await agents.enrol(world, 'windows11-24h2-x64', 'vault');
});
afterAll(async () => {
  await agents?.close();
  await world?.close();
});

/** The command line of an administrator who has the key. */
async function commandLine() {
  const profile = join(world.folder, 'operator.json');
  await writeFile(profile, JSON.stringify(await world.profileOf('administrator')), { mode: 0o600 });
  const trust = join(world.folder, 'operator.trust');
  await mkdir(trust, { recursive: true });
  const pin = JSON.parse(await readFile(join(world.folder, 'trust/trust.json'), 'utf8'));
  await copyFile(join(world.folder, 'trust/administrator.pem'), join(trust, 'administrator.pem'));
  await writeFile(join(trust, 'trust.json'), JSON.stringify({ ...pin, key: join(trust, 'administrator.pem') }));
  const printed = { out: '', err: '' };
  const run = (...args: string[]) =>
    main(['--profile-file', profile, ...args], {
      stdout: { write: (text) => (printed.out += text) },
      stderr: { write: (text) => (printed.err += text) },
      env: {},
    });
  return { run, printed, pin };
}

/** What a person sees of the host. */
const view = async () => world.call(operatorEndpoints.getHost, { params: { machineId: host.host.machineId } });
const isForbidden = ({ updates }: { readonly updates: readonly { readonly state: string }[] }): boolean =>
  updates.length > 0 && updates.every(({ state }) => state === 'DISCARDED' || state === 'OK' || state === 'SUPERSEDED');

/** All that the role of the publisher has: its bucket, and signing with the online key. */
function stolenPublisher() {
  const as = { region: world.stack.region, credentials: world.stack.administrator };
  const kms = new KMSClient({ ...as, endpoint: world.stack.endpoints.kms });
  const store = awsRepositoryStore(world.s3, world.output('RepositoryBucket'));
  const signer = kmsSigner(kms, world.output('OnlineKeyId'));
  return {
    signer,
    async current(): Promise<Published> {
      const published = await readPublished((key) => store.read(key));
      if (published === undefined) throw new Error('nothing is published');
      return published;
    },
    /** Signs a version with other metadata of a role, and makes it the one that hosts find. */
    async publish(role: 'rules' | 'targets', metadata: RoleMetadata<typeof role>): Promise<void> {
      const current = await this.current();
      const online = { signer, now: new Date() };
      const version = current.snapshot.signed.version + 1;
      const snapshot = await signSnapshot({ ...current, [role]: metadata }, version, online);
      const timestamp = await signTimestamp(snapshot, current.timestamp.signed.version + 1, online);
      await store.create({ kind: 'metadata', role, version: metadata.signed.version }, textOf(metadata));
      await store.create({ kind: 'metadata', role: 'snapshot', version }, textOf(snapshot));
      await store.moveTimestamp(textOf(timestamp), (await store.timestamp())?.tag);
    },
    [Symbol.dispose]: () => kms.destroy(),
  };
}

describe('a host', () => {
  it('follows the rules of the group that its token pinned', async () => {
    const cycle = await host.cycle();
    expect(isForbidden(cycle)).toBe(true);
    expect((await view()).last?.report).toMatchObject({ group: 'vault', rulesRevision: 1 });
  });

  it('that somebody moves in DynamoDB keeps its rules, and says which group it is in', async () => {
    const dynamodb = new DynamoDBClient({
      region: world.stack.region,
      credentials: world.stack.administrator,
      endpoint: world.stack.endpoints.dynamodb,
    });
    const { machineId } = host.host;
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: world.output('HostsTable'),
        Key: { machineId: { S: machineId }, item: { S: 'host' } },
        UpdateExpression: 'SET #group = :group',
        ExpressionAttributeNames: { '#group': 'group' },
        ExpressionAttributeValues: { ':group': { S: 'lab' } },
      }),
    );
    dynamodb.destroy();
    expect((await view()).summary.group).toBe('lab');
    expect(isForbidden(await host.cycle())).toBe(true);
    expect((await view()).last?.report.group).toBe('vault');
  });

  it('goes to another group when an administrator signs that, with the command line', async () => {
    const { run, printed, pin } = await commandLine();
    expect([await run('trust', 'status'), printed.err]).toEqual([0, '']);
    expect(printed.out).toContain(pin.rootSha256);
    expect(await run('hosts', 'move', host.host.machineId, '--to', 'lab', '--no-impact', '--yes')).toBe(0);
    await world.stack.drained(world.output('PublishQueueUrl'));
    const moved = await host.cycle();
    expect(moved.updates.some(({ state }) => state === 'MISSING' || state === 'PENDING')).toBe(true);
    expect((await view()).last?.report).toMatchObject({ group: 'lab', rulesRevision: 2 });
    expect(await run('hosts', 'move', host.host.machineId, '--back', '--no-impact', '--yes')).toBe(0);
    await world.stack.drained(world.output('PublishQueueUrl'));
    expect(isForbidden(await host.cycle())).toBe(true);
    expect((await view()).last?.report.group).toBe('vault');
  });
});

describe('publishers', () => {
  it('four at once come to one version, and a reader sees a whole one at each moment', async () => {
    const body = JSON.stringify({ version: 1, kind: 'feed' });
    await world.microsoft.publishNext();
    const events = [1, 2, 3, 4].map((n) => ({
      Records: [{ messageId: `m${n}`, body, attributes: { ApproximateReceiveCount: '1' } }],
    }));
    const synced = world.run('SyncIndexFunction');
    let reading = true;
    const seen: number[] = [];
    const reader = (async () => {
      const store = awsRepositoryStore(world.s3, world.output('RepositoryBucket'));
      while (reading) seen.push((await readPublished((key) => store.read(key)))?.timestamp.signed.version ?? 0);
    })();
    await synced;
    const runs = await Promise.all(
      events.map((event) => world.stack.invoke(world.output('PublishRepositoryFunction'), event)),
    );
    reading = false;
    await reader;
    expect(runs.every((run) => run.ok)).toBe(true);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
    expect(isForbidden(await host.cycle())).toBe(true);
    expect((await view()).summary.state).toBe('OK');
  });

  it('leave the repository as it is when nothing changed', async () => {
    const timestamp = () => awsRepositoryStore(world.s3, world.output('RepositoryBucket')).read({ kind: 'timestamp' });
    const before = await timestamp();
    await world.run('SweepRequestsFunction');
    expect(await timestamp()).toBe(before);
    expect(buildKey({ kind: 'timestamp' })).toBe('metadata/timestamp.json');
  });
});

describe('whoever has the role of the publisher', () => {
  /** A cycle that has exactly this trouble. */
  const refusing = async (message: RegExp) => {
    const { problems, updates } = await host.cycle().catch((error: Error) => {
      const [, json = '{}'] = /: (\[.*\])$/.exec(error.message) ?? [];
      return { problems: JSON.parse(json) as { code: string; message: string }[], updates: undefined };
    });
    expect(updates).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'untrusted', message: expect.stringMatching(message) }]);
    const { summary, last } = await view();
    expect(summary.state).toBe('ERROR');
    expect(last?.report).toMatchObject({ trustProblem: expect.stringMatching(message), rulesRevision: 3 });
    expect(isForbidden(last?.report ?? { updates: [] })).toBe(true);
  };

  it('cannot make hosts believe rules of its own', async () => {
    using thief = stolenPublisher();
    const forged = rulesOf({ ...book, assignments: { groups: { vault: ['lax'] }, hosts: {} } }, 40, new Date());
    await sign(forged, thief.signer);
    await thief.publish('rules', forged);
    await refusing(/^rules is refused: rules was signed by 0\/1 keys/);
  });

  it('cannot bring back rules that an administrator signed once', async () => {
    using thief = stolenPublisher();
    const old = await awsRepositoryStore(world.s3, world.output('RepositoryBucket')).read({
      kind: 'metadata',
      role: 'rules',
      version: 3,
    });
    await thief.publish('rules', parseMetadata('rules', old ?? ''));
    await refusing(/^snapshot is refused|^rules is refused/);
  });

  it('does no harm to hosts that come after the next change of an administrator', async () => {
    await world.setRules({ ...book, packages: [{ ...strict, description: 'again' }, lax] });
    const other = await agents.enrol(world, 'server2022-x64', 'vault');
    expect(isForbidden(await other.cycle())).toBe(true);
  });

  it('cannot publish who may sign, and an administrator mends what was published by one command', async () => {
    using thief = stolenPublisher();
    const { targets } = await thief.current();
    const forged = unsigned('targets', { ...targets.signed.toJSON(), version: targets.signed.version + 1 });
    await sign(forged, thief.signer);
    await thief.publish('targets', forged);
    const { run, printed } = await commandLine();
    expect(await run('trust', 'status')).toBe(1);
    expect(printed.out).toMatch(/not proved: targets of version \d+ has 0 of 1 signatures that count/);
    expect(await run('trust', 'renew')).toBe(0);
    expect(printed.err).toMatch(/begins with what administrators signed last/);
    expect(await run('trust', 'status')).toBe(0);
    const late = await agents.enrol(world, 'windows10-22h2-x64', 'vault');
    expect(isForbidden(await late.cycle())).toBe(true);
  });
});
