import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { main } from '../main.ts';
import { testContext } from '../testing/context.ts';
import { msuDraft, readDetection, splitCommand, zipDraft } from './draft.ts';
import { readForm, templates } from './form.ts';
import { readMsu } from './read-msu.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-build-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const { io } = testContext(() => undefined).context;
const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};
const msu = (name: string, members: Readonly<Record<string, string | Uint8Array>>) =>
  file(
    name,
    encodeCab({
      members: Object.entries(members).map(([member, data]) => ({ name: member, data: Buffer.from(data) })),
      compression: 'mszip',
    }),
  );

describe('an .msu', () => {
  it.skipIf(!haveSamples)("of Microsoft's says what it is for", async () => {
    expect(await readMsu(sample('msu/Windows6.1-KB2999226-x64.msu'), {}, io)).toEqual({
      kb: '2999226',
      architecture: 'amd64',
      product: 'Windows 6.1',
    });
  });

  it('says it in properties, in UTF-8 or UTF-16, or in its answer file alone', async () => {
    const properties = 'KB Article Number="5000001"\r\nProcessor Architecture="ARM64"\r\n';
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(properties, 'utf16le')]);
    const told = { kb: '5000001', architecture: 'arm64' };
    expect(await readMsu(await msu('a.msu', { 'x-pkgProperties.txt': properties }), {}, io)).toEqual(told);
    expect(await readMsu(await msu('b.msu', { 'x-pkgProperties.txt': utf16 }), {}, io)).toEqual(told);
    const identity =
      '<package><assemblyIdentity name="Package_for_KB5000001" processorArchitecture="arm64"/></package>';
    expect(await readMsu(await msu('c.msu', { 'x.xml': identity }), {}, io)).toEqual(told);
  });

  it('that is a WIM file, or says nothing, must be told', async () => {
    const wim = await file('wim.msu', 'MSWIM\0\0\0 and so on');
    await expect(readMsu(wim, { kb: '5000001' }, io)).rejects.toThrow(/a WIM file.*--kb KB5034441 and --architecture/);
    const told = { kb: '5000001', architecture: 'x86' as const };
    expect(await readMsu(wim, told, io)).toEqual(told);
    await expect(readMsu(await msu('d.msu', { 'x.cab': 'x' }), {}, io)).rejects.toThrow('does not say what it is for');
  });

  it('is not what the command line says, or no .msu at all', async () => {
    const one = await msu('e.msu', { 'x-pkgProperties.txt': 'KB Article Number="5000001"' });
    await expect(readMsu(one, { kb: '5000002' }, io)).rejects.toThrow('is of KB5000001, and --kb says KB5000002');
    await expect(readMsu(await file('f.msu', 'PK'), {}, io)).rejects.toThrow('neither MSCF (a cabinet) nor MSWIM');
    await expect(readMsu(join(folder, 'none.msu'), {}, io)).rejects.toThrow('none.msu cannot be read');
  });

  it('is for its architecture, and a Windows before 10 for no later one', () => {
    const facts = { kb: '2999226', architecture: 'amd64' as const, product: 'Windows 6.1' };
    expect(msuDraft('/x/y.msu', facts, {})).toMatchObject({
      name: 'kb2999226-amd64',
      command: { program: 'wusa.exe', arguments: ['{file:y.msu}', '/quiet', '/norestart'] },
      prerequisites: { architectures: ['amd64'], windowsAtLeast: '6.1', windowsBelow: '6.2' },
      exitCodes: { success: [0], restart: [3010], notNeeded: [2_359_302, -2_145_124_329] },
    });
    expect(msuDraft('y.msu', { ...facts, product: 'Windows 10.0' }, {}).prerequisites).toEqual({
      architectures: ['amd64'],
      windowsAtLeast: '10.0',
    });
  });
});

describe('a driver', () => {
  const detection = readDetection('windows>=10');
  const flags = { name: 'gpu', packageVersion: '31.0' };
  it('runs the program inside its zip, or is added by pnputil', () => {
    expect(zipDraft('a.zip', detection, { ...flags, command: 'setup.exe /s "/dir=C:\\A B"' })).toMatchObject({
      kind: 'driver-zip',
      command: { program: '{folder}\\setup.exe', arguments: ['/s', '/dir=C:\\A B'] },
      files: [{ name: 'a.zip', unpack: true }],
    });
    expect(zipDraft('a.zip', detection, { ...flags, command: 'msiexec /i {folder}\\a.msi' }).command).toEqual({
      program: 'msiexec',
      arguments: ['/i', '{folder}\\a.msi'],
    });
    expect(zipDraft('a.zip', detection, { ...flags, inf: true })).toMatchObject({
      kind: 'driver-inf',
      command: { program: 'pnputil.exe', arguments: ['/add-driver', '{folder}\\*.inf', '/subdirs', '/install'] },
      exitCodes: { notNeeded: [259] },
    });
  });

  it('needs a name, a version and one way to install it', () => {
    expect(() => zipDraft('a.zip', detection, { command: 'x' })).toThrow('name --name and --package-version');
    expect(() => zipDraft('a.zip', detection, flags)).toThrow('--command "setup.exe /s", or --inf');
    expect(() => zipDraft('a.zip', detection, { ...flags, inf: true, command: 'x' })).toThrow('or --inf');
  });
});

it.each([
  ['hotfix:KB5034441', { kind: 'hotfix', kb: '5034441' }],
  ['windows>=10.0.26100', { kind: 'windows', atLeast: '10.0.26100' }],
  ['file:C:\\a b.exe', { kind: 'file', path: 'C:\\a b.exe' }],
  ['file:C:\\a.exe>=1.2', { kind: 'file', path: 'C:\\a.exe', atLeast: '1.2' }],
  ['registry:HKLM\\SOFTWARE\\A:V', { kind: 'registry', key: 'SOFTWARE\\A', name: 'V' }],
  ['registry:SOFTWARE\\A:V=x=y', { kind: 'registry', key: 'SOFTWARE\\A', name: 'V', equals: 'x=y' }],
  ['registry:SOFTWARE\\A:V>=1.2', { kind: 'registry', key: 'SOFTWARE\\A', name: 'V', atLeast: '1.2' }],
  ['command:c.exe /q', { kind: 'command', program: 'c.exe', arguments: ['/q'], exitCodes: [0] }],
])('a detection rule is written as %s', (text, rule) => {
  expect(readDetection(text)).toEqual(rule);
});

it('what is no detection rule, or no command, is told with what is allowed', () => {
  expect(() => readDetection('msi:{1}')).toThrow(/got "msi:\{1\}", expected hotfix:/);
  expect(() => splitCommand('"a b')).toThrow('a double quote is not closed');
  expect(() => splitCommand('  ')).toThrow('expected a program and its arguments');
});

describe('a file of a package', () => {
  it.each(['command', 'os-upgrade'] as const)('as "new %s" prints it is one', (kind) => {
    expect(readForm(templates[kind], '/x/form.yaml')).toMatchObject({ kind });
  });

  it('keeps versions as they are written', () => {
    const draft = readForm(templates.command.replace('version: 1.0', 'version: 1.10'), '/x/form.yaml');
    expect(draft).toMatchObject({ packageVersion: '1.10', files: [{ path: '/x/setup.exe', name: 'setup.exe' }] });
  });

  it('with a fault is refused with its place', () => {
    expect(() => readForm('name: [', 'f.yaml')).toThrow('f.yaml is not YAML');
    expect(() => readForm(templates.command.replace('kind: command', 'kind: game'), 'f.yaml')).toThrow(/f\.yaml.*kind/);
  });

  it('names only files that it has', async () => {
    await file('setup.exe', 'x');
    const form = await file('form.yaml', templates.command.replace('{file:setup.exe}', '{file:other.exe}'));
    const printed = { out: '', err: '' };
    const run = (...args: string[]) =>
      main(['--api', 'http://127.0.0.1:1', 'packages', ...args], {
        stdout: { write: (text) => (printed.out += text) },
        stderr: { write: (text) => (printed.err += text) },
        env: { KBROKER_TOKEN: 'x' },
        cwd: folder,
      });
    expect(await run('new', 'game')).toBe(2);
    expect(printed.err).toContain('allowed are command, os-upgrade, config');
    expect(await run('new', 'command')).toBe(0);
    expect(printed.out).toBe(templates.command);
    expect(await run('build', '--from', form, '--dry-run')).toBe(2);
    expect(printed.err).toContain('names files that the package does not have');
  });
});
