import { beforeEach, describe, expect, it } from 'vitest';
import { publishRepository } from '#functions/publish-repository/publish-repository.ts';
import type { PackageAssignments, PackageManifestDocument } from '#shared/contract/packages.ts';
import { initialDocuments } from '#shared/repository/author.ts';
import { listPackages, manifestTarget, signedPackages } from '#shared/repository/packages.ts';
import { readPublished } from '#shared/repository/published.ts';
import { operatorsApi, post } from '#test/kit/operators-api.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { sha256 } from '#test/kit/values.ts';

let bench = operatorsApi();
let administrator = throwawaySigner();
beforeEach(async () => {
  bench = operatorsApi();
  administrator = throwawaySigner();
  const { ports, online } = bench;
  const { book, revision } = await ports.rules.get();
  const onlineKey = await online.publicKey();
  const documents = await initialDocuments({
    signers: [administrator],
    threshold: 1,
    onlineKey,
    book,
    revision,
    now: ports.now(),
  });
  await bench.api.changeTrust(post({ version: 1, documents: [...documents] }));
  await publish();
});

/** The publisher works its queue off. @returns how the last message ended */
async function publish(): Promise<string | undefined> {
  const { index, catalog, payloads, repository, rules, snapshot, now, publisher } = bench.ports;
  const ports = { repository, signer: bench.online, rules, index, catalog, payloads, fleet: snapshot, now };
  let outcome: string | undefined;
  for (const message of publisher.messages.splice(0)) ({ outcome } = await publishRepository(ports, message));
  return outcome;
}

const file = { name: 'setup.exe', sha256: sha256('setup'), size: 5 };
const manifest: PackageManifestDocument = {
  version: 1,
  name: 'tool',
  packageVersion: '1',
  kind: 'command',
  title: 'Tool',
  files: [file],
  command: { program: '{file:setup.exe}', arguments: [] },
  detection: { kind: 'windows', atLeast: '10' },
  prerequisites: {},
  exitCodes: { success: [0], restart: [], notNeeded: [] },
  reboot: 'never',
  timeoutSeconds: 1,
  publishedAt: '2026-01-01T00:00:00Z',
};
const pilots: PackageAssignments = { groups: { pilots: ['tool/1'] }, hosts: {} };

/** What `kbroker packages` sends. */
async function change(
  manifests: readonly PackageManifestDocument[],
  assignments: PackageAssignments,
  { signer = administrator, version = 2 } = {},
) {
  const targets = manifests.map(manifestTarget);
  const entries = Object.fromEntries(targets.map(({ document, entry }) => [document.path, entry]));
  const state = { manifests: entries, assignments };
  const { text, book } = await signedPackages(state, { version, signer, now: bench.ports.now() });
  const contents = [book, ...targets.map(({ document }) => document)].map(({ path, text: said }) => ({
    path,
    text: said,
  }));
  return post({ version: 1 as const, documents: [{ role: 'custom' as const, text }], contents });
}

describe('packages', () => {
  it('are taken when their files are there, written down, and published with what follows from them', async () => {
    const { api, ports } = bench;
    const asked = post({ version: 1 as const, files: [{ sha256: file.sha256, size: 5 }] });
    expect(await api.openUploads(asked)).toMatchObject({ uploads: [{ sha256: file.sha256, state: 'wanted' }] });
    ports.packages.put(file);
    const entries = ports.audit.entries.length;
    expect(await api.openUploads(asked)).toEqual({ version: 1, uploads: [{ sha256: file.sha256, state: 'held' }] });
    expect(ports.audit.entries, 'nothing was opened').toHaveLength(entries);
    await api.changeTrust(await change([manifest], pilots));
    expect(ports.audit.entries.at(-1)).toMatchObject({
      action: 'trust.change',
      after: {
        packages: { added: ['custom/packages/tool-1.json'], removed: [], book: { assignments: pilots } },
      },
    });
    expect(await publish()).toBe('published');
    const published = await readPublished((key) => ports.repository.read(key));
    expect(published && listPackages(published.custom)).toMatchObject([{ name: 'tool', packageVersion: '1' }]);
    for (const [path, target] of Object.entries(published?.custom.signed.targets ?? {}))
      expect(
        await ports.repository.read({ kind: 'target', path, sha256: target.hashes.sha256 ?? '' }),
        path,
      ).toBeDefined();
  });

  it('whose files are not there, or are longer or shorter, are refused', async () => {
    await expect(bench.api.changeTrust(await change([manifest], pilots))).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(/its file setup\.exe \(SHA-256 .*, 5 bytes\) is not uploaded/),
    });
    bench.ports.packages.put({ ...file, size: 6 });
    await expect(bench.api.changeTrust(await change([manifest], pilots))).rejects.toThrow('is not uploaded');
    expect(bench.ports.publisher.messages).toEqual([]);
  });

  it('that no administrator signed are refused by the API, and again by the publisher', async () => {
    bench.ports.packages.put(file);
    const forged = await change([manifest], pilots, { signer: bench.online });
    await expect(bench.api.changeTrust(forged)).rejects.toMatchObject({ code: 'forbidden' });
    await bench.ports.publisher.send({ ...forged.request, kind: 'documents' });
    expect(await publish()).toBe('refused');
    const published = await readPublished((key) => bench.ports.repository.read(key));
    expect(published && listPackages(published.custom)).toEqual([]);
  });

  it('of two administrators at once the second is told so', async () => {
    bench.ports.packages.put(file);
    await bench.api.changeTrust(await change([manifest], pilots));
    await publish();
    await expect(bench.api.changeTrust(await change([], { groups: {}, hosts: {} }))).rejects.toMatchObject({
      code: 'conflict',
    });
    await bench.api.changeTrust(await change([], { groups: {}, hosts: {} }, { version: 3 }));
    expect(await publish()).toBe('published');
  });
});
