import { beforeEach, describe, expect, it } from 'vitest';
import { publishRepository } from '#functions/publish-repository/publish-repository.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import type { TrustChange } from '#shared/contract/trust.ts';
import { initialDocuments, signedRules } from '#shared/repository/author.ts';
import { sha256Of } from '#shared/repository/metadata.ts';
import type { Signer } from '#shared/signing/port.ts';
import { get, operatorsApi, post } from '#test/kit/operators-api.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';

let bench = operatorsApi();
let administrator = throwawaySigner();
beforeEach(() => {
  bench = operatorsApi();
  administrator = throwawaySigner();
});

const book: RuleBook = {
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { kbs: ['5000001'] } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {}, moved: { 'pc-9': 'pilots' } },
};

/** What `kbroker trust init` sends. */
async function first(signer: Signer = administrator): Promise<TrustChange> {
  const { ports, online } = bench;
  const rules = await ports.rules.get();
  const documents = await initialDocuments({
    signers: [signer],
    threshold: 1,
    onlineKey: await online.publicKey(),
    book: rules.book,
    revision: rules.revision,
    now: ports.now(),
  });
  return { version: 1, documents: [...documents] };
}

/** The publisher works its queue off. */
async function publish(): Promise<void> {
  const { ports, online } = bench;
  const { index, catalog, payloads, repository, rules, snapshot, now, publisher } = ports;
  for (const message of publisher.messages.splice(0))
    await publishRepository(
      { repository, signer: online, rules, index, catalog, payloads, fleet: snapshot, now },
      message,
    );
}

async function initialize(): Promise<void> {
  await bench.api.changeTrust(post(await first()));
  await publish();
}
const put = async (expectedRevision: number, signer?: Signer) => {
  const { api, ports } = bench;
  const signed = signer && (await signedRules(book, expectedRevision + 1, signer, ports.now()));
  return api.putRules(post({ version: 2 as const, expectedRevision, book, ...(signed !== undefined && { signed }) }));
};
const refused = (code: string, message: RegExp) => ({
  name: 'ProblemError',
  code,
  message: expect.stringMatching(message),
});

describe('trust', () => {
  it('is nothing but the online key before administrators began, and rules are taken as they come', async () => {
    const { api, online } = bench;
    expect(await api.getTrust(get())).toEqual({
      version: 1,
      onlineKey: { keyId: expect.stringMatching(/^[0-9a-f]{64}$/), publicKey: await online.publicKey() },
    });
    expect(await put(0)).toMatchObject({ revision: 1 });
    await expect(put(1, administrator)).rejects.toMatchObject(refused('bad-request', /no repository yet/));
  });

  it('begins with what one administrator signed: of the rules in force, and written down', async () => {
    await put(0);
    const change = await first();
    expect(await bench.api.changeTrust(post(change))).toEqual({ version: 1, state: 'accepted' });
    expect(bench.ports.audit.entries.at(-1)).toMatchObject({ action: 'trust.change', target: 'repository' });
    await publish();
    const { repository } = await bench.api.getTrust(get());
    expect(repository?.rootSha256).toBe(sha256Of(change.documents[0]?.text ?? ''));
    expect(repository?.roles.map(({ role, version }) => [role, version])).toEqual([
      ['root', 1],
      ['targets', 1],
      ['rules', 2],
      ['custom', 1],
      ['agent', 1],
      ['feed', 1],
      ['snapshot', 1],
      ['timestamp', 1],
    ]);
    for (const { keys, signedBy, threshold } of repository?.roles ?? []) {
      expect(signedBy).toEqual(keys);
      expect(threshold).toBe(1);
    }
  });

  it('does not begin twice, nor with what is not whole, signed or for this broker', async () => {
    const lacking = { ...(await first()), documents: (await first()).documents.slice(0, 2) };
    await expect(bench.api.changeTrust(post(lacking))).rejects.toMatchObject(
      refused('bad-request', /custom is missing/),
    );
    const twice = await first();
    await expect(
      bench.api.changeTrust(
        post({ ...twice, documents: [...twice.documents.slice(0, 1), ...twice.documents.slice(0, 1)] }),
      ),
    ).rejects.toMatchObject(refused('bad-request', /twice/));
    await initialize();
    const entries = bench.ports.audit.entries.length;
    await expect(bench.api.changeTrust(post(await first(throwawaySigner())))).rejects.toMatchObject(
      refused('conflict', /version 1|revision 0/),
    );
    expect(bench.ports.audit.entries).toHaveLength(entries);
    expect(bench.ports.publisher.messages).toEqual([]);
  });

  it('of rules: only those that an administrator signed, for the revision that they become', async () => {
    await initialize();
    await expect(put(0)).rejects.toMatchObject(refused('forbidden', /--key/));
    await expect(put(0, throwawaySigner())).rejects.toMatchObject(refused('forbidden', /0 of 1/));
    await expect(put(0, bench.online)).rejects.toMatchObject(refused('forbidden', /0 of 1/));
    const other = await signedRules(book, 7, administrator, bench.ports.now());
    await expect(
      bench.api.putRules(post({ version: 2 as const, expectedRevision: 0, book, signed: other })),
    ).rejects.toMatchObject(refused('bad-request', /version 8/));
    expect((await bench.ports.rules.get()).revision).toBe(0);
    expect(await put(0, administrator)).toMatchObject({ revision: 1 });
    expect(bench.ports.publisher.messages).toEqual([{ version: 1, kind: 'rules' }]);
    await publish();
    const { repository } = await bench.api.getTrust(get());
    expect(repository?.roles.find(({ role }) => role === 'rules')?.version).toBe(2);
    expect(bench.ports.audit.entries.at(-1)?.after).toMatchObject({ hostsMoved: { total: 1, first: ['pc-9'] } });
  });

  it('shows its files, and no other keys', async () => {
    await initialize();
    const { text } = await bench.api.getTrustFile(get({ query: { key: 'metadata/1.root.json' } }));
    expect(JSON.parse(text ?? '')).toHaveProperty('signed.version', 1);
    expect(await bench.api.getTrustFile(get({ query: { key: 'metadata/9.root.json' } }))).toEqual({
      version: 1,
      key: 'metadata/9.root.json',
    });
    for (const key of [undefined, '', 'index/current.json', '../x', 'fleet/v2/current.json'])
      await expect(bench.api.getTrustFile(get({ query: { key } }))).rejects.toMatchObject(
        refused('bad-request', /key/),
      );
  });
});
