import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AgentProcess,
  type CycleResult,
  enrolSimulatedHost,
  openAgentProcess,
  openSimulatedAgent,
  runCycle,
} from '#agent/main.ts';
import { type FleetHost, populate } from '#local/fleet/hosts.ts';
import { parseRoots } from '#shared/authenticode/index.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { startForwardProxy } from '#test/kit/forward-proxy.ts';
import { connectionsTo } from '#test/kit/microsoft-connections.ts';
import { bookOf } from './rule-books.ts';
import { startWorld, type World, worldSeed } from './world.ts';

let folder: string;
let world: World;
let hosts: readonly FleetHost[];
let connections: AgentProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-sources-'));
  world = await startWorld({ folder });
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  const allow = { name: 'allow', settings: { defaultAllow: true } };
  const first = { name: 'first', settings: { directFirst: true } };
  await world.setRules(bookOf({ everyone: [allow], 'microsoft-first': [allow, first] }));
  hosts = await populate(join(folder, 'hosts'), worldSeed, 9);
  connections = { ...openAgentProcess(), microsoft: await connectionsTo(world.microsoft) };
});
afterAll(async () => {
  await connections?.close();
  await connections?.microsoft.close();
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

function hostOf(profile: string): FleetHost {
  const host = hosts.find((one) => one.profile.key === profile);
  if (host === undefined) throw new Error(`no host is a ${profile}`);
  return host;
}

/** One cycle of an enrolled host, as it is set up. */
async function cycle(host: FleetHost, direct: 'never' | 'fallback' = 'never'): Promise<CycleResult> {
  const { rootsPem, allowSha1 } = world.microsoft.addresses.indexTrust;
  const agent = await openSimulatedAgent({
    process: connections,
    dataDir: host.dataDir,
    hostFile: host.hostFile,
    log: () => {},
    settings: { indexTrust: { roots: parseRoots(rootsPem), allowSha1 }, direct, triesPerCycle: 1 },
  });
  return runCycle(agent);
}

async function enrol({ dataDir, hostFile }: FleetHost, group: string): Promise<void> {
  const server = new URL(world.output('ApiUrl'));
  const token = await world.enrolmentToken(group);
  await enrolSimulatedHost({ process: connections, dataDir, hostFile, log: () => {}, server, token, newKey: false });
}

/** What is requested of the broker now. */
const requested = async (): Promise<readonly string[]> =>
  (await world.call(operatorEndpoints.listRequests)).requests.map(({ sha1 }) => sha1);

describe('a group whose administrator chose Microsoft as the first source', () => {
  it('installs by the signed rules, and the broker is asked for nothing', async () => {
    const host = hostOf('windows11-24h2-x64');
    await enrol(host, 'microsoft-first');
    const result = await cycle(host);
    expect(result).toMatchObject({ state: 'OK', problems: [], needs: [] });
    expect(result.downloads.length).toBeGreaterThan(0);
    for (const one of result.downloads) expect(one).toMatchObject({ outcome: 'downloaded', source: 'microsoft' });
    expect(result.installs.every(({ outcome }) => outcome === 'installed')).toBe(true);
    expect(world.microsoft.counters().payloadGets).toBe(result.downloads.length);
    expect(await requested()).toEqual([]);
    const { last } = await world.call(operatorEndpoints.getHost, { params: { machineId: host.machineId } });
    expect(new Set(last?.report.updates.map(({ state }) => state))).not.toContain('PENDING');
  });

  it('refuses what has other bytes, installs nothing of it, and has the broker see to it', async () => {
    const host = hostOf('server2022-x64');
    await enrol(host, 'microsoft-first');
    const end = world.microsoft.addFault({
      path: /\/(msdownload|filestreamingservice|d|c)\//,
      kind: { type: 'wrong-bytes' },
    });
    const result = await cycle(host);
    end();
    expect(result.installs).toEqual([]);
    expect(result.downloads.length).toBeGreaterThan(0);
    for (const one of result.downloads) expect(one).toMatchObject({ outcome: 'failed', code: 'damaged' });
    const missing = result.updates.filter(({ state }) => state === 'MISSING');
    expect(missing.length).toBeGreaterThan(0);
    for (const { reason } of missing) expect(reason).toMatch(/did not come directly either: SHA-256 is/);
    expect(await requested()).toEqual(expect.arrayContaining(result.downloads.map(({ sha1 }) => sha1)));
  });
});

describe('a host behind a proxy', () => {
  it('does everything through it: nothing goes another way', async () => {
    const host = hostOf('windows10-22h2-x64');
    const secret = 'a-secret-of-the-proxy';
    const proxy = await startForwardProxy({
      credentials: `ada:${secret}`,
      routes: world.microsoft.addresses.connect,
    });
    const counted = join(folder, 'requests.txt');
    const rootsFile = join(folder, 'roots.pem');
    await writeFile(rootsFile, world.microsoft.addresses.indexTrust.rootsPem);
    const agent = async (args: readonly string[], changes: Readonly<Record<string, string>> = {}) => {
      const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
      const child = spawn(
        process.execPath,
        ['--import', pathOf('../kit/only-by-proxy.ts'), pathOf('../../agent/bin.ts'), ...args],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            PATH: process.env.PATH,
            NODE_EXTRA_CA_CERTS: world.microsoft.addresses.caFile,
            KBROKER_TEST_ONLY_PORT: proxy.url.port,
            KBROKER_TEST_REQUESTS: counted,
            KBROKER_HTTP_PROXY: proxy.url.href.replace('//', `//ada:${secret}@`),
            KBROKER_SERVER: world.output('ApiUrl'),
            KBROKER_ENROLMENT_TOKEN: await world.enrolmentToken('microsoft-first'),
            KBROKER_DATA: host.dataDir,
            KBROKER_SIMULATED_HOST: host.hostFile,
            KBROKER_INDEX_ROOTS: rootsFile,
            ...changes,
          },
        },
      );
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
      return { code, out, err };
    };
    try {
      const round = await agent(['enroll'], { KBROKER_HTTP_PROXY: '' });
      expect(round).toMatchObject({ code: 3, err: expect.stringContaining('goes round the proxy') });
      expect(await agent(['enroll'])).toMatchObject({ code: 0 });
      await rm(counted);
      proxy.passed.length = 0;
      const downloaded = await agent(['download', '--json', '--verbose']);
      expect(downloaded).toMatchObject({ code: 0 });
      const installed = await agent(['install', '--json', '--verbose']);
      expect(installed).toMatchObject({ code: 0 });
      const { downloads } = JSON.parse(downloaded.out);
      expect(downloads.length).toBeGreaterThan(0);
      for (const one of downloads) expect(one).toMatchObject({ outcome: 'downloaded', source: 'microsoft' });
      expect(JSON.parse(installed.out)).toMatchObject({ state: 'OK', problems: [] });
      // Each request of the agent is one that the proxy passed on, or one in a tunnel of the proxy.
      const origins = (await readFile(counted, 'utf8'))
        .trim()
        .split('\n')
        .map((origin) => new URL(origin));
      const plain = proxy.passed.filter(({ method }) => method !== 'CONNECT');
      expect(plain).toHaveLength(origins.filter(({ protocol }) => protocol === 'http:').length);
      const tunnels = new Set(proxy.passed.flatMap(({ method, target }) => (method === 'CONNECT' ? [target] : [])));
      const secure = origins.filter(({ protocol }) => protocol === 'https:');
      expect(new Set(secure.map(({ hostname }) => `${hostname}:443`))).toEqual(tunnels);
      expect(secure).toHaveLength(downloads.length);
      expect(JSON.stringify([downloaded, installed])).not.toContain(secret);
    } finally {
      await proxy.close();
    }
  });
});

describe('when API and CDN of the broker are away', () => {
  it('a host waits, unless it may fetch from Microsoft: then it installs by the last known rules', async () => {
    const host = hostOf('server2019-x64');
    await enrol(host, 'everyone');
    const before = await cycle(host);
    expect(before).toMatchObject({ state: 'PENDING_UPDATES', problems: [], downloads: [] });
    await world.stack.close();

    const waiting = await cycle(host);
    expect(waiting).toMatchObject({ state: 'PENDING_UPDATES', downloads: [], installs: [] });
    const direct = await cycle(host, 'fallback');
    expect(direct.state).toBe('OK');
    expect(direct.downloads.map(({ sha1 }) => sha1).toSorted()).toEqual([...before.needs].toSorted());
    for (const one of direct.downloads) expect(one).toMatchObject({ outcome: 'downloaded', source: 'microsoft' });
    expect(direct.installs.length).toBeGreaterThan(0);
    expect(direct.rulesRevision).toBe(before.rulesRevision);

    await world.close();
    world = await startWorld({ folder });
    await enrol(host, 'everyone');
    const after = await cycle(host);
    expect(after).toMatchObject({ state: 'OK', problems: [], downloads: [], installs: [] });
    expect(after.reports).toHaveLength(1);
  });
});
