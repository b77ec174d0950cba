import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCab } from '#shared/cabinet/index.ts';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import type { IndexWithRules } from '#shared/index/read-rules.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { aHost } from '../../fixtures/bench.ts';
import { leafId, publish, sha1, sha256, unitId } from '../../fixtures/publication.ts';
import { updateAgentContract } from '../../ports/update-agent-contract-suite.ts';
import { decodeIndexFile, rememberCatalogs } from './index-decoder.ts';
import { createSimulatedUpdateAgent } from './update-agent.ts';

const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'kbroker-machine-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
const open = (folder: string, log: string[] = []) =>
  createSimulatedUpdateAgent({
    hostFile: join(folder, 'host.json'),
    decodeIndex: decodeIndexFile,
    log: (line) => log.push(line.message),
  });

updateAgentContract({
  name: 'simulated',
  folder: temporaryFolder,
  open,
  async prepare({ folder, installed, failing }) {
    const { state } = aHost();
    const host = aHost({
      state: { ...state, installedUpdates: installed },
      failing: failing.map((one) => ({ ...one, message: '' })),
    });
    await writeFile(join(folder, 'host.json'), JSON.stringify(host));
  },
});

describe('the state of a simulated machine', () => {
  let folder: { path: string; remove(): Promise<void> };
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());
  const updates = [{ id: 1, kb: '5000001', files: [] }];

  it('is noted beside its file, which is never written; an unreadable one is set aside and named', async () => {
    await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost()));
    const before = await readFile(join(folder.path, 'host.json'), 'utf8');
    await writeFile(join(folder.path, 'host.installed.json'), '{}');
    const log: string[] = [];
    await open(folder.path, log).machine();
    expect(log.join()).toContain('host.installed.json.damaged');
    expect(await readFile(join(folder.path, 'host.json'), 'utf8')).toBe(before);
    expect(await readFile(join(folder.path, 'host.installed.json.damaged'), 'utf8')).toBe('{}');
  });

  it('changes by an installation so that the rule of the update finds it installed', async () => {
    await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost()));
    const { cab, pointer } = publish(updates);
    const index = { path: join(folder.path, 'index.cab'), sha256: pointer.sha256 };
    await writeFile(index.path, cab);
    const agent = open(folder.path);
    const [update] = (await agent.scan(index)).needed;
    if (update === undefined) throw new Error('nothing is needed');
    await agent.install(update, []);
    expect(JSON.parse(await readFile(join(folder.path, 'host.installed.json'), 'utf8'))).toEqual({
      version: 2,
      changes: [
        { kind: 'registry-value', key: 'software\\fixtures', name: 'KB5000001', value: { type: 'REG_DWORD', data: 1 } },
      ],
      failures: {},
      packages: { failures: {}, commands: [], atRestart: [], commandsAtRestart: [] },
    });
    expect(await open(folder.path).scan(index)).toMatchObject({ needed: [], installed: [{ updateId: unitId(1) }] });

    // An installer that has not scanned does not know the rules, and notes what it installed.
    await rm(join(folder.path, 'host.installed.json'));
    await open(folder.path).install(update, []);
    expect(JSON.parse(await readFile(join(folder.path, 'host.installed.json'), 'utf8'))).toMatchObject({
      changes: [{ kind: 'installed-update', updateId: leafId(1) }],
    });
    expect(await open(folder.path).scan(index)).toMatchObject({ needed: [], installed: [{ updateId: unitId(1) }] });
  });

  it('of version 1 is read: what it lists stays installed', async () => {
    await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost()));
    await writeFile(
      join(folder.path, 'host.installed.json'),
      JSON.stringify({ version: 1, installed: [unitId(1), leafId(1)], failures: {} }),
    );
    const { cab, pointer } = publish(updates);
    const index = { path: join(folder.path, 'index.cab'), sha256: pointer.sha256 };
    await writeFile(index.path, cab);
    expect(await open(folder.path).scan(index)).toMatchObject({ needed: [], installed: [{ updateId: unitId(1) }] });
  });

  it('says the version of Windows that updates have raised', async () => {
    await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost()));
    const change = { kind: 'product-release', name: 'Client.OS.RS2.AMD64', version: '10.0.26100.7000' };
    await writeFile(
      join(folder.path, 'host.installed.json'),
      JSON.stringify({ version: 2, changes: [change], failures: {} }),
    );
    expect((await open(folder.path).machine()).osVersion).toBe('10.0.26100.7000');
  });
});

describe('rememberCatalogs', () => {
  const catalog: IndexWithRules = { catalog: { updates: new Map(), files: new Map(), gaps: [] }, rules: new Map() };
  const index = (sha256: string) => ({ sha256, path: `/${sha256}` });

  it('decodes once for all who ask together, and keeps the last ones only', async () => {
    const asked: string[] = [];
    const decode = rememberCatalogs(async ({ sha256 }) => {
      asked.push(sha256);
      return catalog;
    }, 2);
    await Promise.all([decode(index('a')), decode(index('a')), decode(index('b'))]);
    expect(asked).toEqual(['a', 'b']);
    await decode(index('c'));
    await decode(index('b'));
    expect(asked).toEqual(['a', 'b', 'c']);
    await decode(index('a'));
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
  });

  it('does not remember a failure', async () => {
    let fail = true;
    const decode = rememberCatalogs(async () => {
      if (fail) throw new Error('once');
      return catalog;
    });
    await expect(decode(index('a'))).rejects.toThrow('once');
    fail = false;
    await expect(decode(index('a'))).resolves.toBe(catalog);
  });
});

describe.skipIf(!haveSamples)("Microsoft's own index in an .msu", () => {
  // The .msu is a cabinet; the index in it is taken out by our own reader, and so is the payload.
  it('KB2999226 is needed where its parent package is, and installs with its real payload', async () => {
    const folder = await temporaryFolder();
    try {
      const members = new Map<string, Buffer[]>();
      await readCab(createReadStream(sample('msu', 'Windows6.1-KB2999226-x64.msu')), {
        onMember(member) {
          const chunks: Buffer[] = [];
          members.set(member.name, chunks);
          return { write: (chunk) => void chunks.push(Buffer.from(chunk)), end: () => undefined };
        },
      });
      const take = (name: string): Buffer => Buffer.concat(members.get(name) ?? []);
      const cab = take('WSUSSCAN.cab');
      const index = { path: join(folder.path, 'index.cab'), sha256: sha256(cab) };
      await writeFile(index.path, cab);
      const payload = { path: join(folder.path, 'payload'), data: take('Windows6.1-KB2999226-x64.cab') };
      await writeFile(payload.path, payload.data);
      const log: string[] = [];
      const machine = async (version: string, architecture: string, processor: number) => {
        const state: HostState = {
          windows: { version: '6.1.7601.17514', productType: 1 },
          processor: { architecture: processor },
          cbs: {
            complete: true,
            packages: [`Microsoft-Windows-Client-Features-Package~31bf3856ad364e35~${architecture}~~${version}`],
          },
        };
        await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost({ state })));
        return open(folder.path, log);
      };

      expect((await (await machine('6.1.7601.17514', 'x86', 0)).scan(index)).needed).toEqual([]);
      expect((await (await machine('6.1.7600.17514', 'amd64', 9)).scan(index)).needed).toEqual([]);

      const windows7 = await machine('6.1.7601.17514', 'amd64', 9);
      const { needed } = await windows7.scan(index);
      expect(needed).toMatchObject([
        {
          updateId: '38008afc-657d-488e-ac49-0e4e0a526ffc',
          revision: 501,
          title: 'Update for Windows (KB2999226)',
          kbs: ['2999226'],
          severity: 'Important',
          files: [{ sha1: sha1(payload.data), sha256: sha256(payload.data), size: 851_797 }],
        },
      ]);
      const [update] = needed;
      if (update === undefined) throw new Error('nothing is needed');
      const file = {
        path: payload.path,
        sha1: sha1(payload.data),
        sha256: sha256(payload.data),
        size: payload.data.length,
      };
      expect(await windows7.install(update, [file])).toEqual({ outcome: 'installed', rebootRequired: false });
      expect(await windows7.scan(index)).toMatchObject({ needed: [], installed: [{ kbs: ['2999226'] }] });
      expect(JSON.parse(await readFile(join(folder.path, 'host.installed.json'), 'utf8'))).toMatchObject({
        version: 2,
        changes: [{ kind: 'cbs-package', identity: 'Package_for_KB2999226~31bf3856ad364e35~amd64~~6.1.1.6' }],
      });

      // Nothing is known of its packages: the update is not offered, and the scan says why.
      await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost()));
      await rm(join(folder.path, 'host.installed.json'));
      expect(await open(folder.path, log).scan(index)).toMatchObject({
        needed: [],
        installed: [],
        unknown: {
          updates: 1,
          operators: [{ operator: 'CbsPackageInstalled' }, { operator: 'CbsPackageInstallable' }],
        },
      });
      expect(log).toEqual([expect.stringMatching(/^of 1 updates it is not known .* CbsPackageInstalled \(1, /)]);
    } finally {
      await folder.remove();
    }
  });
});
