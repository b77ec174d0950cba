import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restartSimulatedMachine } from '#agent/adapters/simulated/package-runner.ts';
import { main } from '#cli/main.ts';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { packagePaths } from '#shared/contract/packages.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { sign, textOf, unsigned } from '#shared/repository/metadata.ts';
import { readPublished } from '#shared/repository/published.ts';
import { kmsSigner } from '#shared/signing/kms.ts';
import { awsRepositoryStore } from '#shared/stores/repository/aws.ts';
import { type StoryAgent, type StoryAgents, storyAgents } from './agents.ts';
import { startWorld, type World } from './world.ts';

const quiet: RuleBook['packages'][number] = { name: 'quiet', priority: 0, rules: [] };
const frozen: RuleBook['packages'][number] = { ...quiet, name: 'frozen', settings: { enabled: false } };
const book: RuleBook = {
  packages: [quiet, frozen],
  assignments: { groups: { pilots: ['quiet'], freezer: ['frozen'] }, hosts: {} },
};

let world: World;
let agents: StoryAgents;
let host: StoryAgent;
let inputs: string;
beforeAll(async () => {
  world = await startWorld();
  agents = await storyAgents(join(world.folder, 'machines'));
  inputs = join(world.folder, 'inputs');
  await mkdir(inputs, { recursive: true });
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  await world.setRules(book);
  host = await agents.enrol(world, 'windows11-24h2-x64', 'pilots');
});
afterAll(async () => {
  await agents?.close();
  await world?.close();
});

/** Runs the command line of an administrator who has the key. */
async function kbroker(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const profile = join(world.folder, 'operator.json');
  const trust = join(world.folder, 'operator.trust');
  await writeFile(profile, JSON.stringify(await world.profileOf('administrator')), { mode: 0o600 });
  await mkdir(trust, { recursive: true });
  if (!(await readFile(join(trust, 'trust.json')).catch(() => undefined))) {
    const pin = JSON.parse(await readFile(join(world.folder, 'trust/trust.json'), 'utf8'));
    await copyFile(join(world.folder, 'trust/administrator.pem'), join(trust, 'administrator.pem'));
    await writeFile(join(trust, 'trust.json'), JSON.stringify({ ...pin, key: join(trust, 'administrator.pem') }));
  }
  const printed = { out: '', err: '' };
  const code = await main(['--profile-file', profile, ...args], {
    stdout: { write: (text) => (printed.out += text) },
    stderr: { write: (text) => (printed.err += text) },
    env: {},
  });
  return { code, ...printed };
}

/** The same, of a command that must end well. */
async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await kbroker(...args);
  if (code !== 0) throw new Error(`kbroker ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}

async function input(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(inputs, name);
  await writeFile(path, content);
  return path;
}

/** What a person sees of a host. */
const view = (of: StoryAgent) => world.call(operatorEndpoints.getHost, { params: { machineId: of.host.machineId } });
/** Packages of a host by the API, as `name: state reason`. */
const packagesOf = async (of: StoryAgent): Promise<Record<string, { state: string; reason: string }>> =>
  Object.fromEntries(
    ((await view(of)).last?.report.packages ?? []).map(({ name, state, reason }) => [name, { state, reason }]),
  );

const commandForm = (name: string, more = '') => `name: ${name}
version: 1.0
kind: command
title: Tool ${name}
files:
  - path: ${name}.exe
command: '"{file:${name}.exe}" /quiet'
detect: 'registry:SOFTWARE\\Vendor\\${name}:Version>=1.0'
${more}`;

/** Builds a package of a command, and gives it to a group. */
async function give(name: string, group: string, more?: string): Promise<void> {
  await input(`${name}.exe`, `the bytes of ${name}`);
  await done('packages', 'build', '--from', await input(`${name}.yaml`, commandForm(name, more)));
  await done('packages', 'assign', `${name}/1.0`, '--group', group, '--yes');
}

describe('a package of each kind', () => {
  it('a command installs, and is OK in the API and on the command line', async () => {
    await give('tool', 'pilots');
    const cycle = await host.cycle();
    expect(cycle.packageRuns).toMatchObject([{ name: 'tool', outcome: 'installed' }]);
    expect(await packagesOf(host)).toEqual({
      tool: { state: 'OK', reason: 'installed: HKLM\\SOFTWARE\\Vendor\\tool, Version is 1.0 or later' },
    });
    expect(await done('hosts', 'show', host.host.machineId)).toMatch(/OK +tool\/1\.0 +installed/);
    expect(await done('packages', 'list')).toMatch(/tool\/1\.0 +command +17 B +pilots +Tool tool/);
    // What is installed is not run again.
    expect((await host.cycle()).packageRuns).toEqual([]);
  });

  it('an .msu says itself what it is for; wusa installs it', async () => {
    const properties = [
      'KB Article Number="5099999"',
      'Processor Architecture="amd64"',
      'Product Name="Windows 10.0"',
    ].join('\r\n');
    const members = [
      { name: 'WSUSSCAN.cab', data: Buffer.from('MSCF, not looked at') },
      { name: 'Windows10.0-KB5099999-x64-pkgProperties.txt', data: Buffer.from(properties) },
    ];
    const msu = await input('Windows10.0-KB5099999-x64.msu', encodeCab({ members, compression: 'mszip' }));
    await done('packages', 'build', '--msu', msu);
    await done('packages', 'assign', 'kb5099999-amd64/1', '--group', 'pilots', '--yes');
    const shown = JSON.parse(await done('packages', 'show', 'kb5099999-amd64/1', '--json'));
    expect(shown.manifest).toMatchObject({
      kind: 'msu',
      command: { program: 'wusa.exe', arguments: ['{file:Windows10.0-KB5099999-x64.msu}', '/quiet', '/norestart'] },
      exitCodes: { success: [0], restart: [3010], notNeeded: [2_359_302, -2_145_124_329] },
    });
    await host.cycle();
    expect((await packagesOf(host))['kb5099999-amd64']).toEqual({
      state: 'OK',
      reason: 'installed: KB5099999 is installed',
    });
  });

  it('drivers: a zip with an installer, and one with .inf files', async () => {
    const zip = await input('driver.zip', 'PK, a driver');
    await done(
      ...['packages', 'build', '--zip', zip, '--command', 'setup.exe /s', '--name', 'gpu', '--package-version', '31.0'],
      ...['--detect', 'file:C:\\Windows\\System32\\drivers\\gpu.sys>=31.0'],
    );
    await done(
      ...['packages', 'build', '--zip', zip, '--inf', '--name', 'nic', '--package-version', '2.1'],
      ...['--detect', 'command:check-nic.exe /version 2.1'],
    );
    await done('packages', 'assign', 'gpu/31.0', '--group', 'pilots', '--yes');
    await done('packages', 'assign', 'nic/2.1', '--host', host.host.machineId, '--yes');
    await host.cycle();
    expect(await packagesOf(host)).toMatchObject({ gpu: { state: 'OK' }, nic: { state: 'OK' } });
  });

  it('an upgrade of Windows is pending until the restart, and then is what Windows says of itself', async () => {
    await input('iso-content.zip', 'PK, the content of an ISO');
    const template = await done('packages', 'new', 'os-upgrade');
    const version = (await view(host)).summary.osVersion;
    const form = template
      .replaceAll('10.0.26100', '10.0.99999')
      .replace(/ {2}editions: .*\n/, '')
      .replace('30000000000', '1');
    await done('packages', 'build', '--from', await input('upgrade.yaml', form));
    await done('packages', 'assign', 'windows11-24h2/26100', '--group', 'pilots', '--yes');
    await host.cycle();
    expect((await packagesOf(host))['windows11-24h2']).toEqual({
      state: 'PENDING',
      reason: 'done but for a restart: the command ended with exit code 0',
    });
    expect((await view(host)).summary).toMatchObject({ state: 'PENDING_UPDATES', osVersion: version });
    await restartSimulatedMachine(host.host.hostFile, new Date());
    await host.cycle();
    expect((await packagesOf(host))['windows11-24h2']).toMatchObject({ state: 'OK' });
    expect((await view(host)).summary.osVersion).toBe('10.0.99999.0');
  });

  it('options of [waptwua] are settings of rules: a group that is switched off installs no package', async () => {
    const freezer = await agents.enrol(world, 'windows10-22h2-x64', 'freezer');
    await done('packages', 'assign', 'tool/1.0', '--group', 'freezer', '--yes');
    await freezer.cycle();
    expect(await packagesOf(freezer)).toMatchObject({ tool: { state: 'DISCARDED', reason: /frozen/ } });
  });
});

describe('refused, with the reason', () => {
  it('on a machine of another architecture', async () => {
    await give('arm', 'pilots', 'requires: {architectures: [arm64]}\n');
    await host.cycle();
    expect((await packagesOf(host)).arm).toEqual({
      state: 'DISCARDED',
      reason: 'it is for arm64, and this host is amd64',
    });
  });

  it('a payload that somebody changed in the bucket', async () => {
    await give('tampered', 'pilots');
    const listed = JSON.parse(await done('packages', 'show', 'tampered/1.0', '--json'));
    const Key = buildKey({ kind: 'package-file', sha256: listed.manifest.files[0].sha256 });
    const Bucket = world.output('PayloadsBucket');
    await world.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await world.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'the bytes of tamperer', IfNoneMatch: '*' }));
    await expect(host.cycle()).rejects.toThrow(/SHA-256/);
    expect((await packagesOf(host)).tampered).toMatchObject({
      state: 'ERROR',
      reason: /download of tampered.exe failed: .*SHA-256/,
    });
    expect((await view(host)).summary.state).toBe('ERROR');
    await done('packages', 'remove', 'tampered/1.0', '--yes');
    await host.cycle();
    expect((await packagesOf(host)).tampered).toBeUndefined();
  });

  it('a command that somebody changed in a manifest', async () => {
    await give('changed', 'freezer');
    const store = awsRepositoryStore(world.s3, world.output('RepositoryBucket'));
    const { custom } = (await readPublished((key) => store.read(key))) ?? {};
    const path = packagePaths.manifest('changed', '1.0');
    const sha256 = custom?.signed.targets[path]?.hashes.sha256 ?? '';
    const text = (await store.read({ kind: 'target', path, sha256 })) ?? '';
    const Key = buildKey({ kind: 'target', path, sha256 });
    const Bucket = world.output('RepositoryBucket');
    const put = (Body: string) => world.s3.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' }));
    await world.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await put(text.replace('/quiet', '/evil!'));
    const freezer = await agents.enrol(world, 'windows10-22h2-x64', 'freezer');
    await expect(freezer.cycle()).rejects.toThrow(
      /custom\/packages\/changed-1\.0\.json is not what its digest and length say/,
    );
    expect((await view(freezer)).last?.report.trustProblem).toMatch(/not what its digest/);
    await world.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await put(text);
    await done('packages', 'remove', 'changed/1.0', '--yes');
    await freezer.cycle();
  });

  it('a manifest that no administrator signed, from whoever has the role of the publisher', async () => {
    const as = { region: world.stack.region, credentials: world.stack.administrator };
    const kms = new KMSClient({ ...as, endpoint: world.stack.endpoints.kms });
    const store = awsRepositoryStore(world.s3, world.output('RepositoryBucket'));
    const signer = kmsSigner(kms, world.output('OnlineKeyId'));
    const current = await readPublished((key) => store.read(key));
    if (current === undefined) throw new Error('nothing is published');
    const { targets } = current.custom.signed.toJSON();
    const version = current.custom.signed.version + 1;
    const forged = unsigned('custom', { version, expires: '2099-01-01T00:00:00Z', targets });
    await sign(forged, signer);
    const online = { signer, now: new Date() };
    const number = current.snapshot.signed.version + 1;
    const snapshot = await signSnapshot({ ...current, custom: forged }, number, online);
    const timestamp = await signTimestamp(snapshot, current.timestamp.signed.version + 1, online);
    await store.create({ kind: 'metadata', role: 'custom', version }, textOf(forged));
    await store.create({ kind: 'metadata', role: 'snapshot', version: number }, textOf(snapshot));
    await store.moveTimestamp(textOf(timestamp), (await store.timestamp())?.tag);
    kms.destroy();
    await expect(host.cycle()).rejects.toThrow(/custom is refused: custom was signed by 0\/1 keys/);
    expect((await view(host)).last?.report.trustProblem).toMatch(/custom was signed by 0\/1 keys/);
    // What was proved before still counts.
    expect(await packagesOf(host)).toMatchObject({ tool: { state: 'OK' } });
    // The next change of an administrator passes the number that is taken, and hosts follow.
    await give('after', 'pilots');
    await host.cycle();
    expect(await packagesOf(host)).toMatchObject({ after: { state: 'OK' } });
  });
});
