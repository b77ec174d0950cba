import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCab } from '#shared/cabinet/index.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { aHost } from '../../fixtures/bench.ts';
import { sha1, sha256 } from '../../fixtures/publication.ts';
import { updateAgentContract } from '../../ports/update-agent-contract-suite.ts';
import { readHostFile } from './host-file.ts';
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
    const host = aHost({ installed: [...installed], failing: failing.map((one) => ({ ...one, message: '' })) });
    await writeFile(join(folder, 'host.json'), JSON.stringify(host));
  },
});

describe('the file of a simulated machine', () => {
  let folder: { path: string; remove(): Promise<void> };
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());
  const write = (value: unknown) => writeFile(join(folder.path, 'host.json'), JSON.stringify(value));

  it('needs facts and detectoids only', async () => {
    const { version, host, detectoids } = aHost();
    await write({ version, host, detectoids });
    expect(await readHostFile(join(folder.path, 'host.json'))).toEqual(aHost());
  });

  it.each([
    ['a detectoid that is no GUID', { detectoids: ['x'] }, 'detectoids'],
    ['an upper-case GUID', { installed: ['0FA1201D-4330-4FA8-8AE9-B877473B6441'] }, 'installed'],
    ['a code that is no HRESULT', { failing: [{ updateId: aHost().detectoids[0], hresult: '1603' }] }, 'hresult'],
    ['a version in three parts', { cbsPackages: [{ name: 'p', version: '6.1.1', architecture: 'x86' }] }, 'version'],
    ['another version of the file', { version: 2 }, 'version'],
  ])('refuses %s and names the place', async (_what, changes, place) => {
    await write({ ...aHost(), ...changes });
    const error = await open(folder.path)
      .machine()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'bad-config', message: expect.stringContaining(place) });
  });

  it('is never written; an unreadable state beside it is set aside and named', async () => {
    await write(aHost());
    const before = await readFile(join(folder.path, 'host.json'), 'utf8');
    await writeFile(join(folder.path, 'host.installed.json'), '{}');
    const log: string[] = [];
    await open(folder.path, log).machine();
    expect(log.join()).toContain('host.installed.json.damaged');
    expect(await readFile(join(folder.path, 'host.json'), 'utf8')).toBe(before);
    expect(await readFile(join(folder.path, 'host.installed.json.damaged'), 'utf8')).toBe('{}');
  });
});

describe('rememberCatalogs', () => {
  const catalog = { updates: new Map(), files: new Map(), gaps: [] };
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
      const machine = async (cbsPackages: ReturnType<typeof aHost>['cbsPackages']) => {
        await writeFile(join(folder.path, 'host.json'), JSON.stringify(aHost({ detectoids: [], cbsPackages })));
        return open(folder.path);
      };
      const name = 'Microsoft-Windows-Client-Features-Package';
      const version = '6.1.7601.17514';

      expect((await (await machine([])).scan(index)).needed).toEqual([]);
      const x86 = await machine([{ name, version, architecture: 'x86' }]);
      expect((await x86.scan(index)).needed).toEqual([]);
      const older = await machine([{ name, version: '6.1.7600.17514', architecture: 'amd64' }]);
      expect((await older.scan(index)).needed).toEqual([]);

      const windows7 = await machine([{ name, version, architecture: 'amd64' }]);
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
    } finally {
      await folder.remove();
    }
  });
});
