/** How functions reach Microsoft: through a proxy and by no other way, by HTTPS first. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerStack } from '#infra/broker-stack.ts';
import { bundleFunctions } from '#infra/kit/bundle.ts';
import { createCdkApp } from '#infra/kit/cdk-app.ts';
import { readDeployment } from '#infra/kit/deployment.ts';
import { localRepositoryKey } from '#local/repository-key.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import { type ForwardProxy, startForwardProxy } from '#test/kit/forward-proxy.ts';
import { payloadFiles, postReport, reportNeeding, requestOf } from './hosts.ts';
import { startWorld, until, type World } from './world.ts';

const secretArn = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:proxy-local0';
const secretText = (password: string): string => JSON.stringify({ username: 'broker', password });
const plainHost = 'download.windowsupdate.com';
const twinHost = 'catalog.s.download.windowsupdate.com';

let folder: string;
let proxy: ForwardProxy;
let world: World;
let files: readonly Required<PayloadFile>[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-outbound-'));
  const routes: Record<string, string> = {};
  proxy = await startForwardProxy({ credentials: 'broker:first', routes });
  const { assemblyDir, secrets } = await synthesizeBehind(proxy.url.origin);
  world = await startWorld({
    stack: { assemblyDir, secrets: { ...secrets, [secretArn]: secretText('first') } },
    upstream: (addresses) => {
      Object.assign(routes, addresses.connect);
      // Functions that go past the proxy find nobody.
      return { ...addresses, connect: {} };
    },
  });
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  files = (await payloadFiles(world)).filter(({ url }) => new URL(url).host === plainHost);
});
afterAll(async () => {
  await world?.close();
  await proxy?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The stack as it would be deployed with this proxy. */
async function synthesizeBehind(url: string) {
  const key = await localRepositoryKey(join(folder, 'key'));
  const { publicKeys, secretArn: keyArn } = readDeployment(key.configFile).repositoryKey;
  const [assemblyDir, bundleDir] = [join(folder, 'assembly'), join(folder, 'bundles')];
  await bundleFunctions({ outDir: bundleDir });
  const app = createCdkApp({ outDir: assemblyDir, checkSchemas: false });
  new BrokerStack(app, 'KBroker', {
    bundleDir,
    repositoryKey: { publicKeysPem: publicKeys, secretArn: keyArn },
    outboundProxy: { url, secretArn, noProxy: ['localhost'] },
  });
  app.synth();
  return { assemblyDir, secrets: key.secrets };
}

const nextFile = (): Required<PayloadFile> => {
  const [file, ...others] = files;
  if (file === undefined) throw new Error('the fake Microsoft offers too few files for these stories');
  files = others;
  return file;
};

/** Has a file fetched. @returns what of it went through the proxy, and the requests at Microsoft by host */
async function fetchNext() {
  const file = nextFile();
  const before = world.microsoft.counters().byHost;
  proxy.passed.length = 0;
  proxy.refused.length = 0;
  await postReport(world, reportNeeding('host-a', [file.sha1]));
  await world.run('SweepRequestsFunction');
  const request = await until(
    `${file.name} is there or given up`,
    () => requestOf(world, file.sha1),
    (seen) => seen?.state === 'done' || seen?.state === 'failed',
  );
  const after = world.microsoft.counters().byHost;
  const gets = (host: string): number => (after[host] ?? 0) - (before[host] ?? 0);
  return { file, request, passed: [...proxy.passed], twin: gets(twinHost), plain: gets(plainHost) };
}

const anyPath = /./;
const tunnel = { method: 'CONNECT', target: `${twinHost}:443` };

describe('behind a proxy', () => {
  it('the index comes by a tunnel', async () => {
    expect(world.microsoft.counters().indexDownloads).toBeGreaterThan(0);
    expect(proxy.passed.length).toBeGreaterThan(0);
    expect(new Set(proxy.passed.map(({ target }) => target))).toEqual(new Set([tunnel.target]));
    expect(proxy.refused).toEqual([]);
  });

  it('a file that the index names by HTTP comes by HTTPS', async () => {
    const { request, passed, twin, plain } = await fetchNext();
    expect(request).toMatchObject({ state: 'done' });
    expect({ passed, twin, plain }).toEqual({ passed: [tunnel], twin: 1, plain: 0 });
  });

  it('a file that is nowhere is given up with the reason of each address', async () => {
    const end = world.microsoft.addFault({ path: anyPath, kind: { type: 'status', status: 404 } });
    const { file, request } = await fetchNext();
    end();
    expect(request?.state).toBe('failed');
    const atTwin = `https://${twinHost}${new URL(file.url).pathname}`;
    expect(request?.lastError).toBe(`${atTwin} answered 404; ${file.url} answered 404`);
  });

  it('credentials that change are read again by a process that runs', async () => {
    const { stack } = world;
    const secrets = new SecretsManagerClient({
      region: stack.region,
      credentials: stack.administrator,
      endpoint: stack.endpoints.secretsManager,
    });
    await secrets.send(new PutSecretValueCommand({ SecretId: secretArn, SecretString: secretText('second') }));
    secrets.destroy();
    proxy.credentials = 'broker:second';
    // A tunnel that is open needs no credentials.
    proxy.drop();
    const { request, twin } = await fetchNext();
    expect(request).toMatchObject({ state: 'done' });
    expect([twin, proxy.refused]).toEqual([1, [tunnel]]);
  });

  it('a proxy that does not take them is named, without them', async () => {
    proxy.credentials = 'broker:third';
    proxy.drop();
    const { request, twin, plain } = await fetchNext();
    expect(request).toMatchObject({ state: 'failed', attempts: 3 });
    expect(request?.lastError).toBe(`the proxy ${proxy.url.origin} does not take its credentials (407)`);
    expect([twin, plain]).toEqual([0, 0]);
    expect(world.log.filter(({ message }) => /second"|broker:|YnJva2Vy/.test(message))).toEqual([]);
  });

  it('a file whose host has no HTTPS for a while is relayed, and the next one at once', async () => {
    proxy.credentials = 'broker:second';
    world.microsoft.addFault({ path: anyPath, host: twinHost, kind: { type: 'no-answer' } });
    const { file, request, passed, twin, plain } = await fetchNext();
    expect(request).toMatchObject({ state: 'done' });
    expect([twin, plain]).toEqual([2, 1]);
    expect(passed.at(-1)).toEqual({ method: 'GET', target: file.url });
    expect(await fetchNext()).toMatchObject({ request: { state: 'done' }, twin: 0, plain: 1 });
  });
});
