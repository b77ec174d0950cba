import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHostFile } from '#agent/adapters/simulated/host-file.ts';
import { HostFacts } from '#shared/core/catalog/applicability/host-facts.ts';
import type { CatalogUpdate } from '#shared/core/catalog/model.ts';
import { Prerequisites } from '#shared/core/catalog/prerequisites.ts';
import { type HostScan, scanHost } from '#shared/core/catalog/scan.ts';
import { type IndexWithRules, readIndexWithRules } from '#shared/index/read-rules.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { indexCab } from '../upstream/cabs/index-cab.ts';
import { inventPublication } from '../upstream/invent/publication.ts';
import { firstMonth } from '../upstream/invent/world.ts';
import { takeRealFile } from '../upstream/real-file.ts';
import { type FleetHost, populate } from './hosts.ts';
import { profiles } from './profiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-fleet-'));
let hosts: FleetHost[];
let invented: IndexWithRules;
beforeAll(async () => {
  hosts = await populate(join(folder, 'fleet'), 1, 20);
  const cab = indexCab(inventPublication(1, firstMonth));
  invented = await readIndexWithRules(
    (async function* () {
      yield cab;
    })(),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scan = async (host: FleetHost, { catalog, rules }: IndexWithRules): Promise<HostScan> =>
  scanHost(catalog, rules, (await readHostFile(host.hostFile)).state);

describe('the fleet', () => {
  it('has every kind of machine, each described as the simulated agent reads it', async () => {
    expect(hosts).toHaveLength(20);
    expect(new Set(hosts.map(({ profile }) => profile.key)).size).toBe(profiles.length);
    const described = await Promise.all(hosts.map(({ hostFile }) => readHostFile(hostFile)));
    expect(described.map(({ host }) => host.machineId)).toEqual(hosts.map(({ machineId }) => machineId));
    expect(described.some(({ host }) => host.architecture === 'x86')).toBe(true);
    expect(new Set(described.map(({ state }) => state.cbs?.packages.length)).size).toBeGreaterThan(3);
    for (const { host, state } of described) expect(host.osVersion).toBe(state.windows?.version);
  });

  it('is the same for the same seed, and another for another', async () => {
    const texts = (list: FleetHost[]): string[] => list.map(({ hostFile }) => readFileSync(hostFile, 'utf8'));
    expect(texts(await populate(join(folder, 'again'), 1, 20))).toEqual(texts(hosts));
    expect(texts(await populate(join(folder, 'other'), 2, 20))).not.toEqual(texts(hosts));
  });

  it('keeps machines that are there, and adds those that are missing', async () => {
    const small = await populate(join(folder, 'growing'), 1, 2);
    const first = small[0]?.hostFile ?? '';
    writeFileSync(first, readFileSync(first, 'utf8').replace('Windows 11 Pro', 'Windows 11 Home'));
    const grown = await populate(join(folder, 'growing'), 1, 4);
    expect(grown).toHaveLength(4);
    expect((await readHostFile(first)).host.os).toBe('Microsoft Windows 11 Home');
  });

  it('describes a machine of version 1 anew, and sets the old description aside', async () => {
    const [host] = await populate(join(folder, 'old'), 1, 1);
    const file = host?.hostFile ?? '';
    const described = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ version: 1, detectoids: [] }));
    await populate(join(folder, 'old'), 1, 1);
    expect(readFileSync(file, 'utf8')).toBe(described);
    expect(JSON.parse(readFileSync(`${file}.v1`, 'utf8'))).toEqual({ version: 1, detectoids: [] });
  });
});

describe('the invented index on the fleet', () => {
  it('leaves nothing open', async () => {
    for (const host of hosts) expect((await scan(host, invented)).unknown).toEqual({ updates: 0, operators: [] });
  });

  it('offers each kind of machine the cumulative update of its own Windows, and of no other', async () => {
    for (const host of hosts) {
      const { needed, installed } = await scan(host, invented);
      const newest = needed.filter(
        ({ title, supersededBy }) =>
          /Cumulative Update for (?!\.NET)|Quality Rollup/.test(title ?? '') && supersededBy.length === 0,
      );
      expect(newest.map(({ title }) => title)).toEqual([expect.stringMatching(/^2026-01 /)]);
      const wanted = {
        'windows11-24h2-x64': /Windows 11, version 24H2/,
        'server2025-x64': /server operating system version 24H2/,
        'windows10-22h2-x64': /Windows 10 Version 22H2 for x64/,
        'windows10-22h2-x86': /Windows 10 Version 22H2 for x86/,
        'server2016-x64': /Windows Server 2016/,
        'server2019-x64': /Windows Server 2019/,
        'server2022-x64': /server operating system version 21H2/,
        'windows7-sp1-x64': /Windows 7 for/,
        'server2008r2-sp1-x64': /Windows Server 2008 R2/,
      }[host.profile.key];
      for (const { title } of [...needed, ...installed]) {
        if (title?.includes('Removal Tool')) expect(host.profile.architecture).toBe('amd64');
        else expect(title).toMatch(wanted ?? /$^/);
      }
    }
  });

  it('makes hosts of one kind need the same files, so that they share them', async () => {
    const filesOf = async (host: FleetHost): Promise<string[]> => {
      const { needed } = await scan(host, invented);
      return needed
        .filter(({ supersededBy }) => supersededBy.length === 0)
        .flatMap(({ files }) => files.map(({ sha1 }) => sha1));
    };
    const [first, second] = hosts.filter(({ profile }) => profile.key === 'windows11-24h2-x64');
    const [a, b] = [first ? await filesOf(first) : [], second ? await filesOf(second) : []];
    expect(a.filter((sha1) => b.includes(sha1)).length).toBeGreaterThanOrEqual(6);
  });
});

describe.runIf(haveSamples)('the real index of KB2999226 on the fleet', () => {
  let real: IndexWithRules;
  beforeAll(async () => {
    const taken = await takeRealFile(sample('msu', 'Windows6.1-KB2999226-x64.msu'), join(folder, 'msu'));
    real = await readIndexWithRules(createReadStream(taken.indexFile));
  });

  it('finds the detectoids of each kind of machine, and names the operators that nothing is described for', () => {
    const newest = new Map<string, CatalogUpdate>();
    for (const update of real.catalog.updates.values()) {
      const known = newest.get(update.updateId);
      if (known === undefined || update.revision > known.revision) newest.set(update.updateId, update);
    }
    for (const { key, architecture, state } of profiles) {
      const prerequisites = new Prerequisites(newest, newest.keys(), real.rules, new HostFacts(state));
      const holding: (string | undefined)[] = [];
      const open: (string | undefined)[] = [];
      const operators = new Set<string>();
      for (const { updateId, title, type } of newest.values()) {
        // Bundles have no rules of their own, and are no prerequisites here.
        if (type === 'software') continue;
        const { value, unknown } = prerequisites.holds(updateId);
        if (value === true) holding.push(title);
        if (value === undefined) open.push(title);
        for (const { operator } of unknown) operators.add(operator);
      }
      expect(newest.size).toBe(645);
      // Products, SQL Server, drivers and people's filters that no bare Windows says anything about.
      expect(open.length, key).toBeLessThan(65);
      const client = key.startsWith('windows');
      expect([...operators].sort()).toEqual([
        'b.FileExists',
        'b.FileVersion',
        ...(client ? ['b.LicenseDword'] : []),
        'b.WmiQuery',
      ]);
      expect(holding).toContain(architecture === 'amd64' ? 'AMD64' : 'X86');
      expect(holding).not.toContain(architecture === 'amd64' ? 'X86' : 'AMD64');
      expect(holding).toContain('Vista or Later');
      expect(holding.includes('Windows Vista')).toBe(client);
      expect(
        holding.filter((title) => /Server 2003|Windows 2000 (Server|Professional)|XP Professional/.test(title ?? '')),
      ).toEqual([]);
    }
  });

  it('needs it on 64-bit Windows 7 SP1 and Server 2008 R2 SP1 only', async () => {
    for (const host of hosts) {
      const { needed, unknown } = await scan(host, real);
      expect(unknown).toEqual({ updates: 0, operators: [] });
      const expected = ['windows7-sp1-x64', 'server2008r2-sp1-x64'].includes(host.profile.key) ? ['2999226'] : [];
      expect(
        needed.flatMap(({ kbs }) => kbs),
        host.machineId,
      ).toEqual(expected);
    }
  });
});
