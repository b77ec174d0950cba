import { beforeEach, expect, it } from 'vitest';
import type { manifestTarget } from '#shared/repository/packages.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { MemoryPackageFiles } from '#test/kit/memory-packages.ts';
import { SignedRepository, throwawaySigner } from '#test/kit/signed-repository.ts';
import { sha256 } from '#test/kit/values.ts';
import { cleanPackageFiles } from './package-files.ts';

const day = 86_400_000;
const nobody = { groups: {}, hosts: {} };
const manifest: Parameters<typeof manifestTarget>[0] = {
  version: 1,
  name: 'tool',
  packageVersion: '1',
  kind: 'command',
  title: 'Tool',
  files: [{ name: 'setup.exe', sha256: sha256('named'), size: 5 }],
  command: { program: '{file:setup.exe}', arguments: [] },
  detection: { kind: 'windows', atLeast: '10' },
  prerequisites: {},
  exitCodes: { success: [0], restart: [], notNeeded: [] },
  reboot: 'never',
  timeoutSeconds: 1,
  publishedAt: '2026-01-01T00:00:00Z',
};

let packages: MemoryPackageFiles;
let signed: SignedRepository;
beforeEach(async () => {
  packages = new MemoryPackageFiles();
  packages.put({ sha256: sha256('named'), size: 5 });
  packages.put({ sha256: sha256('given up'), size: 7 });
  signed = await SignedRepository.make();
  await signed.publishPackages([manifest], nobody);
});
const clean = (now: number, dryRun = false) => {
  const read = async (key: Parameters<SignedRepository['fetch']>[0]) => {
    const bytes = await signed.fetch(key, 1_000_000);
    return bytes && Buffer.from(bytes).toString();
  };
  return cleanPackageFiles({ packages, repository: { read } }, { now, grace: 14 * day, dryRun });
};
const left = () => [...packages.files.keys()];

it('files that no signed package names go after the grace period', async () => {
  const amounts = (waiting: number, removed: number) => ({
    needed: { files: 1, bytes: 5 },
    waiting: { files: waiting, bytes: waiting * 7 },
    removed: { files: removed, bytes: removed * 7 },
  });
  expect(await clean(0)).toEqual(amounts(1, 0));
  expect(await clean(13 * day)).toEqual(amounts(1, 0));
  expect(await clean(14 * day, true), 'a dry run').toEqual(amounts(0, 1));
  expect(left()).toHaveLength(2);
  expect(await clean(14 * day)).toEqual(amounts(0, 1));
  expect(left()).toEqual([sha256('named')]);
  expect(await packages.unnamed()).toEqual(new Map());
});

it('the grace period begins when the package goes, and anew when it was there again', async () => {
  await clean(0);
  await signed.publishPackages([], nobody);
  expect(await clean(20 * day)).toMatchObject({ waiting: { files: 1 }, removed: { files: 1 } });
  await signed.publishPackages([{ ...manifest, packageVersion: '2' }], nobody);
  await clean(30 * day);
  await signed.publishPackages([], nobody);
  expect(await clean(40 * day)).toMatchObject({ waiting: { files: 1 } });
  expect(left()).toEqual([sha256('named')]);
});

it('nothing goes while what is published is not signed by administrators', async () => {
  await clean(0);
  await signed.publishPackages([], nobody, throwawaySigner());
  expect(await clean(99 * day)).toBeUndefined();
  expect(left()).toHaveLength(2);
  const damaged = { read: () => Promise.reject(new RepositoryError('malformed', 'root', 'damaged')) };
  expect(
    await cleanPackageFiles({ packages, repository: damaged }, { now: 99 * day, grace: 0, dryRun: false }),
  ).toBeUndefined();
});

it('before there is a repository every file waits and goes', async () => {
  const none = { read: async () => undefined };
  const options = { now: 0, grace: 0, dryRun: false };
  expect(await cleanPackageFiles({ packages, repository: none }, options)).toMatchObject({ removed: { files: 2 } });
});
