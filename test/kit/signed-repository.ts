/** A small signed repository of its own keys, as the publisher would write it: whole, or tampered with. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { buildKey, type RepositoryKey } from '#shared/contract/keys.ts';
import type { PackageAssignments, PackageManifestDocument } from '#shared/contract/packages.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { targetPaths } from '#shared/contract/signed-documents.ts';
import type { TrustRole } from '#shared/contract/trust.ts';
import {
  type AdministratorsPart,
  documentsForKeyholders,
  initialDocuments,
  type Keyholders,
  keyholdersOf,
  rulesOf,
} from '#shared/repository/author.ts';
import { signFeed, signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import {
  parseMetadata,
  publicKeyOf,
  type RoleMetadata,
  sha256Of,
  sign as signMetadata,
  textOf,
} from '#shared/repository/metadata.ts';
import { checkPackages, manifestTarget, signedPackages } from '#shared/repository/packages.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { documentsOfRules, type TargetEntry, targetDocument, targetEntries } from '#shared/repository/targets.ts';
import type { Signer } from '#shared/signing/port.ts';

/** A key that lives as long as the process. */
export function throwawaySigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trim();
  return { publicKey: async () => pem, sign: async (bytes) => sign('sha256', bytes, privateKey) };
}

export const emptyBook: RuleBook = { packages: [], assignments: { groups: {}, hosts: {} } };

/** What the feed offers. */
export interface FeedOffer {
  readonly index?: { readonly sha256: string; readonly bytes: number; readonly publishedAt: string };
  /** Files by group. */
  readonly catalogs?: Readonly<
    Record<string, readonly { readonly sha1: string; readonly sha256: string; readonly size: number }[]>
  >;
}

interface Parts extends AdministratorsPart {
  readonly feed: RoleMetadata<'feed'>;
  readonly snapshot: RoleMetadata<'snapshot'>;
  readonly timestamp: RoleMetadata<'timestamp'>;
}

export class SignedRepository {
  /** Objects by key, as the bucket has them; a test may change them. */
  readonly objects = new Map<string, string>();
  /** Keys that were asked for, in their order. */
  readonly asked: string[] = [];
  administrators: Signer[];
  online: Signer;
  book: RuleBook = emptyBook;
  revision = 0;
  feed: FeedOffer = {};
  /** What signatures take for now. */
  now: () => Date;
  rootSha256 = '';
  parts!: Parts;

  private constructor(options: { readonly administrators?: number; readonly now?: () => Date }) {
    this.administrators = Array.from({ length: options.administrators ?? 1 }, throwawaySigner);
    this.online = throwawaySigner();
    this.now = options.now ?? (() => new Date());
  }

  static async make(
    options: {
      readonly book?: RuleBook;
      readonly feed?: FeedOffer;
      readonly administrators?: number;
      readonly threshold?: number;
      readonly now?: () => Date;
    } = {},
  ): Promise<SignedRepository> {
    const made = new SignedRepository(options);
    made.book = options.book ?? emptyBook;
    made.feed = options.feed ?? {};
    const documents = await initialDocuments({
      signers: made.administrators,
      threshold: options.threshold ?? 1,
      onlineKey: await made.online.publicKey(),
      book: made.book,
      revision: 0,
      now: made.now(),
    });
    const part = Object.fromEntries(documents.map(({ role, text }) => [role, parseMetadata(role, text)]));
    made.rootSha256 = sha256Of(documents[0]?.text ?? '');
    await made.compose(part as unknown as AdministratorsPart, await made.signedFeed(1));
    made.putRoot();
    return made;
  }

  /** Publishes rules, a feed, or both, as the next version. */
  async publish(change: { readonly book?: RuleBook; readonly feed?: FeedOffer }): Promise<void> {
    let { rules, feed } = this.parts;
    if (change.book !== undefined) {
      this.book = change.book;
      this.revision += 1;
      rules = rulesOf(this.book, this.revision, this.now());
      await signMetadata(rules, this.administrators[0] as Signer);
    }
    if (change.feed !== undefined) {
      this.feed = change.feed;
      feed = await this.signedFeed(feed.signed.version + 1);
    }
    await this.compose({ ...this.parts, rules }, feed);
  }

  /** Publishes packages: which there are, and for whom. @param signer an administrator, or somebody who is none */
  async publishPackages(
    manifests: readonly PackageManifestDocument[],
    assignments: PackageAssignments,
    signer: Signer = this.administrators[0] as Signer,
  ): Promise<void> {
    const targets = manifests.map(manifestTarget);
    const entries = Object.fromEntries(targets.map(({ document, entry }) => [document.path, entry]));
    const version = this.parts.custom.signed.version + 1;
    const signed = await signedPackages({ manifests: entries, assignments }, { version, signer, now: this.now() });
    const custom = parseMetadata('custom', signed.text);
    const given = [signed.book, ...targets.map(({ document }) => document)];
    for (const document of checkPackages(custom, this.parts.custom, given))
      this.put({ kind: 'target', path: document.path, sha256: document.sha256 }, document.text);
    await this.compose({ ...this.parts, custom }, this.parts.feed);
  }

  /** New keyholders, signed by the administrators there were and by those that come. */
  async rotate(change: { readonly administrators?: Signer[]; readonly online?: Signer; readonly threshold?: number }) {
    const before = this.administrators;
    const first = before[0] as Signer;
    const keyholders = keyholdersOf(this.parts.root);
    const administrators = change.administrators ?? before;
    const next: Keyholders = {
      administrators: await Promise.all(administrators.map(async (one) => publicKeyOf(await one.publicKey()))),
      threshold: change.threshold ?? keyholders.threshold,
      online: [publicKeyOf(await (change.online ?? this.online).publicKey())],
    };
    const documents = await documentsForKeyholders(this.parts, next, {
      signer: first,
      book: this.book,
      now: this.now(),
    });
    this.revision += 1;
    const part: Record<string, RoleMetadata> = {};
    for (const { role, text } of documents) {
      const metadata = parseMetadata(role, text);
      for (const one of [...before, ...administrators]) await signMetadata(metadata, one);
      part[role] = metadata;
    }
    this.administrators = administrators;
    this.online = change.online ?? this.online;
    await this.compose(
      part as unknown as AdministratorsPart,
      await this.signedFeed(this.parts.feed.signed.version + 1),
    );
    this.putRoot();
  }

  private async signedFeed(version: number): Promise<RoleMetadata<'feed'>> {
    const { index, catalogs = {} } = this.feed;
    const documents = Object.entries(catalogs).map(([group, files]) =>
      targetDocument(targetPaths.groupCatalog(group), { version: 1, group, files }),
    );
    for (const { path, sha256, text } of documents) this.put({ kind: 'target', path, sha256 }, text);
    const entries: Record<string, TargetEntry> = { ...targetEntries(documents) };
    if (index !== undefined) {
      const custom = { publishedAt: index.publishedAt };
      entries[targetPaths.index] = { length: index.bytes, hashes: { sha256: index.sha256 }, custom };
    }
    return signFeed(entries, version, { signer: this.online, now: this.now() });
  }

  /** Signs snapshot and timestamp over these parts and writes what is new. */
  async compose(part: AdministratorsPart, feed: RoleMetadata<'feed'>): Promise<void> {
    const online = { signer: this.online, now: this.now() };
    const parts = { ...part, feed };
    const snapshot = await signSnapshot(parts, (this.parts?.snapshot.signed.version ?? 0) + 1, online);
    const timestamp = await signTimestamp(snapshot, (this.parts?.timestamp.signed.version ?? 0) + 1, online);
    this.parts = { ...parts, snapshot, timestamp };
    for (const { path, sha256, text } of documentsOfRules(this.book)) this.put({ kind: 'target', path, sha256 }, text);
    for (const role of ['targets', 'rules', 'custom', 'agent', 'feed', 'snapshot'] as const) this.putMetadata(role);
    this.put({ kind: 'timestamp' }, textOf(timestamp));
  }

  putMetadata(role: Exclude<TrustRole, 'root' | 'timestamp'>, metadata: RoleMetadata = this.parts[role]): void {
    this.put({ kind: 'metadata', role, version: metadata.signed.version }, textOf(metadata));
  }

  putRoot(root: RoleMetadata<'root'> = this.parts.root): void {
    const text = textOf(root);
    this.put({ kind: 'metadata', role: 'root', version: root.signed.version }, text);
    this.put({ kind: 'pinned-root', sha256: sha256Of(text) }, text);
  }

  put(key: RepositoryKey, text: string): void {
    this.objects.set(buildKey(key), text);
  }

  /** For {@link TrustedRepositoryOptions.fetch}. */
  readonly fetch = async (key: RepositoryKey, maxBytes: number): Promise<Uint8Array | undefined> => {
    const name = buildKey(key);
    this.asked.push(name);
    const text = this.objects.get(name);
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text);
    if (bytes.byteLength > maxBytes)
      throw new RepositoryError('too-long', undefined, `${name} has more than ${maxBytes} bytes`);
    return bytes;
  };
}
