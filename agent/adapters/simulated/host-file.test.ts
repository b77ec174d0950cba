import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import { aHost } from '../../fixtures/bench.ts';
import { unitId } from '../../fixtures/publication.ts';
import { readHostFile } from './host-file.ts';

const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'kbroker-machine-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

const registry = (keys: object) => ({ registry: { complete: true, keys } });

describe('the file of a simulated machine', () => {
  let folder: { path: string; remove(): Promise<void> };
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());
  const write = (value: unknown) => writeFile(join(folder.path, 'host.json'), JSON.stringify(value));
  const read = () => readHostFile(join(folder.path, 'host.json'));
  const refusal = () => read().catch((thrown: unknown) => thrown);

  it('needs facts and a state, which may say nothing', async () => {
    const { version, host } = aHost();
    await write({ version, host, state: {} });
    expect(await read()).toEqual(aHost({ state: {} }));
  });

  it('takes everything that a state can say', async () => {
    const state: HostState = {
      windows: { version: '6.1.7601.17514', productType: 3, servicePackMajor: 1, servicePackMinor: 0, suiteMask: 272 },
      processor: { architecture: 9, level: 6, revision: 15363 },
      platform: 'Windows',
      language: { system: 'en-us', mui: ['de-de'] },
      registry: {
        complete: true,
        keys: { 'SOFTWARE\\A': { '': { type: 'REG_SZ', data: 'x' }, B: { type: 'REG_DWORD', data: 1 } } },
      },
      files: {
        complete: true,
        files: {
          'C:\\a.dll': {
            version: '1.2.3.4',
            size: 5,
            modified: '2026-01-01T00:00:00Z',
            created: '2026-01-01T00:00:00Z',
          },
        },
        folders: { 37: 'C:\\Windows\\System32' },
      },
      cbs: { complete: true, packages: ['A~31bf3856ad364e35~amd64~~6.1.1.0'], servicingStack: '6.1.7601.17514' },
      productReleases: { complete: true, values: { 'Client.OS.RS2.AMD64': '10.0.26100.1' } },
      deviceAttributes: { complete: false, values: { OSSkuId: '48' } },
      licenses: { complete: false, values: { 'Kernel-ProductInfo': 48 } },
      systemMetrics: { complete: true, values: { 86: 1 } },
      msi: {
        complete: true,
        products: [{ productCode: '{0dad2a89-cf75-4448-97af-72c7cc18b8a5}', version: '3.0.6005' }],
      },
      wmi: [{ namespace: 'root\\cimv2', query: 'SELECT * FROM Win32_Battery', found: false }],
      installedUpdates: ['0fa1201d-4330-4fa8-8ae9-b877473b6441'],
    };
    await write(aHost({ state }));
    expect((await read()).state).toEqual(state);
  });

  it.each([
    ['an upper-case GUID', { installedUpdates: ['0FA1201D-4330-4FA8-8AE9-B877473B6441'] }, 'installedUpdates'],
    ['a package without its version', { cbs: { complete: true, packages: ['Package_for_KB1'] } }, 'packages'],
    ['a version in three parts', { windows: { version: '6.1.1', productType: 1 } }, 'version'],
    ['a part that no rule asks about', { printers: [] }, 'printers'],
    [
      'a number of two kinds',
      { registry: { complete: true, keys: { A: { B: { type: 'REG_DWORD', data: 'x' } } } } },
      'B',
    ],
  ])('refuses %s and names the place', async (_what, state, place) => {
    await write({ ...aHost(), state });
    expect(await refusal()).toMatchObject({ code: 'bad-config', message: expect.stringContaining(place) });
  });

  const code = '{0dad2a89-cf75-4448-97af-72c7cc18b8a5}';
  const query = { namespace: 'root\\cimv2', query: 'SELECT * FROM Win32_Battery', found: false };
  it.each([
    [
      'a number of eleven digits in a version',
      { windows: { version: '12345678901.0.0.0', productType: 1 } },
      'version',
    ],
    ['one in a package', { cbs: { complete: true, packages: ['A~b~c~d~12345678901.0.0.0'] } }, 'packages.0'],
    [
      'one in a product',
      { msi: { complete: true, products: [{ productCode: code, version: '12345678901.0' }] } },
      'products.0.version',
    ],
    ['a root in the path of a key', registry({ 'HKEY_LOCAL_MACHINE\\SOFTWARE\\A': {} }), 'without its root'],
    ['a short root in it', registry({ '\\hklm\\SOFTWARE\\A': {} }), 'without its root'],
    ['an unknown field of a value', registry({ A: { B: { type: 'REG_SZ', data: '', kind: 1 } } }), 'keys.A.B'],
    ['two keys that are one', registry({ 'SOFTWARE\\A': {}, 'software\\\\a\\': {} }), '"software\\\\\\\\a\\\\"'],
    [
      'two values that are one',
      registry({ A: { V: { type: 'REG_SZ', data: '1' }, v: { type: 'REG_SZ', data: '2' } } }),
      '"v"',
    ],
    [
      'two files that are one',
      { files: { complete: true, files: { 'C:\\A': {}, 'c:\\a': {} }, folders: {} } },
      'files',
    ],
    [
      'a folder with a zero before it',
      { files: { complete: true, files: {}, folders: { '036': 'C:\\Windows' } } },
      '036',
    ],
    [
      'two releases that are one',
      { productReleases: { complete: true, values: { 'Client.OS': '10.0.1.1', 'client.os': '10.0.2.1' } } },
      'client.os',
    ],
    ['two attributes that are one', { deviceAttributes: { complete: true, values: { A: '1', a: '2' } } }, '"a"'],
    ['two licenses that are one', { licenses: { complete: true, values: { A: 1, a: 2 } } }, '"a"'],
    [
      'two products that are one',
      { msi: { complete: true, products: [{ productCode: code }, { productCode: code.toUpperCase().slice(1, -1) }] } },
      'products.1',
    ],
    [
      'two answers to one query',
      { wmi: [query, { ...query, query: query.query.toLowerCase(), found: true }] },
      'wmi.1',
    ],
  ])('refuses %s and says where', async (_what, state, place) => {
    await write({ ...aHost(), state });
    expect(await refusal()).toMatchObject({ code: 'bad-config', message: expect.stringContaining(place) });
  });

  it.each([
    ['in the file', { failling: [] }, 'failling'],
    ['of the host', { host: { ...aHost().host, agentVersion: '1' } }, 'agentVersion'],
    ['of a failure', { failing: [{ updateId: unitId(1), hresult: '0x80070643', time: 2 }] }, 'time'],
  ])('refuses a field that is not known %s', async (_where, changes, name) => {
    await write({ ...aHost(), ...changes });
    expect(await refusal()).toMatchObject({ code: 'bad-config', message: expect.stringContaining(`"${name}"`) });
  });

  it('refuses two entries for one failing update', async () => {
    const failure = { updateId: unitId(1), hresult: '0x80070643' };
    await write({ ...aHost(), failing: [failure, { ...failure, times: 1 }] });
    expect(await refusal()).toMatchObject({ code: 'bad-config', message: expect.stringContaining('failing.1') });
  });

  it('refuses a code that is no HRESULT', async () => {
    await write({ ...aHost(), failing: [{ updateId: unitId(1), hresult: '1603' }] });
    expect(await refusal()).toMatchObject({ code: 'bad-config', message: expect.stringContaining('hresult') });
  });

  it('of version 1 is refused, and the message says what to do', async () => {
    await write({ version: 1, host: aHost().host, detectoids: [], cbsPackages: [] });
    expect(await refusal()).toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(/version 1.*allowed is version 2.*describe the state/),
    });
  });
});
