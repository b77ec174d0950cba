import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goodToken } from '#agent/fixtures/fake-broker.ts';
import { publish } from '#agent/fixtures/publication.ts';
import { Site } from '#agent/fixtures/site.ts';
import { testRootPem } from '#test/kit/signed-index.ts';
import { type Fleet, openFleet } from './fleet.ts';

let site: Site;
let folder: string;
let fleet: Fleet | undefined;
beforeEach(async () => {
  site = await Site.open();
  folder = await mkdtemp(join(tmpdir(), 'kbroker-fleet-'));
});
afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

const open = async (hosts: number, token = site.token): Promise<Fleet> => {
  fleet = await openFleet({
    folder,
    seed: 1,
    hosts,
    server: site.url,
    repository: site.url,
    token,
    indexTrust: { rootsPem: testRootPem, allowSha1: false },
  });
  return fleet;
};

describe('a fleet', () => {
  it('enrols each host at its first start, and none again after a restart', async () => {
    const first = await open(3);
    const names = first.hosts.map(({ machineId }) => machineId);
    expect(site.broker.enrolments.toSorted()).toEqual(names.toSorted());
    await first.close();
    const keys = names.map((name) => site.broker.hosts.get(name)?.thumbprint);
    const again = await open(3, 'a token is not needed any more');
    expect(again.hosts).toHaveLength(3);
    expect(site.broker.enrolments).toHaveLength(3);
    await again.close();
    await open(4);
    expect(site.broker.enrolments).toHaveLength(4);
    expect(keys).toEqual(names.map((name) => site.broker.hosts.get(name)?.thumbprint));
  });

  it('goes round once each, with keys of their own', async () => {
    site.publish(publish([{ id: 1, kb: '5000001', files: [] }]));
    const rounds = await (await open(3)).round();
    expect(rounds.flatMap(({ result }) => result.problems)).toEqual([]);
    expect(new Set([...site.broker.hosts.values()].map(({ thumbprint }) => thumbprint)).size).toBe(3);
    expect([...new Set(site.broker.reports.map(({ host }) => host.machineId))].toSorted()).toEqual(
      rounds.map(({ host }) => host.machineId).toSorted(),
    );
  });

  it('reads the repository as a host may', async () => {
    expect(await (await open(1)).repositoryCookies()).toBe('');
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    site.broker.cookies = { values: { 'CloudFront-Policy': 'p', 'CloudFront-Signature': 's' }, expiresAt };
    expect(await fleet?.repositoryCookies()).toBe('CloudFront-Policy=p; CloudFront-Signature=s');
    site.requests.length = 0;
    expect(await fleet?.repositoryCookies()).toBe('CloudFront-Policy=p; CloudFront-Signature=s');
    expect(site.requests).toEqual([]);
  });

  it('says which host is not let in', async () => {
    await expect(open(1, goodToken.replace('tttt', 'aaaa'))).rejects.toMatchObject({ code: 'refused' });
  });
});
