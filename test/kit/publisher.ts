/** The publisher on memory stores, its clock, an administrator, and hosts that read what it writes. */
import { join } from 'node:path';
import type { PublishPorts } from '#functions/publish-repository/ports.ts';
import { publishRepository } from '#functions/publish-repository/publish-repository.ts';
import type { PublishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { groupRules, targetPaths } from '#shared/contract/signed-documents.ts';
import type { SignedDocument } from '#shared/contract/trust.ts';
import type { FleetPartition } from '#shared/core/fleet/partition.ts';
import {
  addSignature,
  documentsForKeyholders,
  initialDocuments,
  type Keyholders,
  keyholdersOf,
  signedRules,
} from '#shared/repository/author.ts';
import { openTrustedRepository } from '#shared/repository/client.ts';
import { publicKeyOf, sha256Of } from '#shared/repository/metadata.ts';
import { readPublished } from '#shared/repository/published.ts';
import type { Signer } from '#shared/signing/port.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { MemoryRepositoryStore } from './memory-repository.ts';
import { MemoryRuleStore } from './memory-rules.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from './memory-stores.ts';
import { throwawaySigner } from './signed-repository.ts';
import { at } from './values.ts';

export const hour = 3_600_000;
export const rulesMessage = { version: 1, kind: 'rules' } as const;
export const feedMessage = { version: 1, kind: 'feed' } as const;

/** Rules of the group `pilots`, which {@link PublisherBench.titles} tells apart. */
export const bookWith = (title: string): RuleBook => ({
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { title } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {} },
});

export const keyOf = async (signer: Signer) => publicKeyOf(await signer.publicKey());

/** Numbers that a change of keyholders is signed with; see {@link documentsForKeyholders}. */
type Numbers = Pick<Parameters<typeof documentsForKeyholders>[2], 'versions' | 'revision'>;

export type PublisherBench = ReturnType<typeof publisherBench>;

/** @param folder where hosts keep what they trust */
export function publisherBench(folder: string) {
  const clock = { now: Math.floor(Date.now() / 1000) * 1000 };
  const administrator = throwawaySigner();
  const fleet = { asOf: clock.now, partitions: [] as FleetPartition[] };
  const ports = {
    repository: new MemoryRepositoryStore(),
    signer: throwawaySigner(),
    rules: new MemoryRuleStore(),
    index: new MemoryIndexStore(),
    catalog: new MemoryCatalogStore(),
    payloads: new MemoryPayloadStore(),
    fleet: { current: async () => fleet },
    now: () => new Date(clock.now),
  } satisfies PublishPorts;
  let root = '';

  /** A first version, but for its rules, which are put into the rule store. */
  const documents = async (signers: readonly Signer[] = [administrator], threshold = 1) => {
    const { book, revision } = await ports.rules.get();
    const onlineKey = await ports.signer.publicKey();
    const made = await initialDocuments({ signers, threshold, onlineKey, book, revision, now: ports.now() });
    root = sha256Of(made[0]?.text ?? '');
    await ports.rules.putSigned(revision, made.find(({ role }) => role === 'rules')?.text ?? '');
    return made.filter(({ role }) => role !== 'rules');
  };

  /** What is published now. */
  const current = async () => {
    const found = await readPublished((key) => ports.repository.read(key));
    if (found === undefined) throw new Error('there is no repository');
    return found;
  };

  /** What a host that pinned the first root reads; another name is another host. */
  const read = (host = 'pc') =>
    openTrustedRepository({
      folder: join(folder, host),
      rootSha256: root,
      fetch: async (key) => {
        const text = await ports.repository.read(key);
        return text === undefined ? undefined : Buffer.from(text);
      },
    }).refresh();

  /** The rules that a host believes, once all else of the version is proved. */
  const titles = async (host?: string) => {
    const version = await read(host);
    for (const role of ['rules', 'custom', 'agent', 'feed'] as const) await version.metadata(role);
    const found = await version.document(targetPaths.groupRules('pilots'), groupRules);
    return found?.packages[0]?.rules[0]?.when.title;
  };

  const publish = (message: PublishRepositoryMessage) => publishRepository(ports, message);
  const messageOf = (change: readonly SignedDocument[]): PublishRepositoryMessage => ({
    version: 1,
    kind: 'documents',
    documents: [...change],
  });

  /** A change of keyholders as the API takes it: its rules go into the rule store, the rest into a message. */
  const keyChange = async (next: Partial<Keyholders>, signers: readonly Signer[], numbers: Numbers = {}) => {
    const before = await current();
    const { book, revision } = await ports.rules.get();
    let made = await documentsForKeyholders(
      before,
      { ...keyholdersOf(before.root), ...next },
      { signer: signers[0] as Signer, book, now: ports.now(), ...numbers },
    );
    for (const other of signers.slice(1)) made = await addSignature(made, other);
    const signed = made.find(({ role }) => role === 'rules')?.text;
    await ports.rules.put({ book, changedAt: at(1), changedBy: 'ada', signed }, revision);
    return messageOf(made.filter(({ role }) => role !== 'rules'));
  };

  return {
    clock,
    ports,
    administrator,
    fleet,
    documents,
    current,
    publish,
    messageOf,
    keyChange,
    read,
    titles,
    initialize: async () => publish(messageOf(await documents())),
    change: async (...of: Parameters<typeof keyChange>) => publish(await keyChange(...of)),
    /** Writes rules as the API does. @param signer null: nobody signs them */
    async putRules(book: RuleBook, signer: Signer | null = administrator) {
      const { revision } = await ports.rules.get();
      const signed = signer === null ? undefined : await signedRules(book, revision + 1, signer, ports.now());
      await ports.rules.put({ book, changedAt: at(1), changedBy: 'ada', signed }, revision);
    },
  };
}
