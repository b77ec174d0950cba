/** What administrators sign. Nothing here runs in a function: it needs administrators' keys. */
import type { RuleBook } from '../contract/rules.ts';
import { revisionOfRules, rulesVersionOf } from '../contract/signed-documents.ts';
import type { SignedDocument } from '../contract/trust.ts';
import type { Signer } from '../signing/port.ts';
import {
  expiryAfter,
  type PublicKey,
  parseMetadata,
  publicKeyOf,
  type RoleMetadata,
  sign,
  textOf,
  unsigned,
} from './metadata.ts';
import { RepositoryError } from './repository-error.ts';
import { delegatedRoleNames, delegatedRoles, lifeOf } from './roles.ts';
import { targetsOfRules } from './targets.ts';

/** Who may sign what. */
export interface Keyholders {
  /** Keys of administrators; `threshold` of them sign root and targets, any one the other roles of theirs. */
  readonly administrators: readonly PublicKey[];
  readonly threshold: number;
  /** Keys that functions sign with; more than one only while one takes the place of another. */
  readonly online: readonly PublicKey[];
}

type AdministratorRole = SignedDocument['role'];
const document = (role: AdministratorRole, metadata: RoleMetadata): SignedDocument => ({
  role,
  text: textOf(metadata),
});

const keysJson = (keys: readonly PublicKey[]) => Object.fromEntries(keys.map(({ keyId, json }) => [keyId, json]));
const idsOf = (keys: readonly PublicKey[]): string[] => keys.map(({ keyId }) => keyId);

/** A root of these keyholders, not signed yet. */
export function rootOf(
  { administrators, threshold, online }: Keyholders,
  version: number,
  now: Date,
): RoleMetadata<'root'> {
  const byAdministrators = { keyids: idsOf(administrators), threshold };
  const byFunctions = { keyids: idsOf(online), threshold: 1 };
  return unsigned('root', {
    version,
    expires: expiryAfter(now, lifeOf.root),
    consistent_snapshot: true,
    keys: keysJson([...administrators, ...online]),
    roles: { root: byAdministrators, targets: byAdministrators, snapshot: byFunctions, timestamp: byFunctions },
  });
}

/** The top of all targets: only who may sign which paths. Not signed yet. */
export function delegationsOf(
  { administrators, online }: Keyholders,
  version: number,
  now: Date,
): RoleMetadata<'targets'> {
  return unsigned('targets', {
    version,
    expires: expiryAfter(now, lifeOf.targets),
    targets: {},
    delegations: {
      keys: keysJson([...administrators, ...online]),
      roles: delegatedRoleNames.map((name) => ({
        name,
        keyids: idsOf(delegatedRoles[name].signedBy === 'online' ? online : administrators),
        threshold: 1,
        terminating: true,
        paths: [...delegatedRoles[name].paths],
      })),
    },
  });
}

/** Rules of a book; their version follows from its revision. Not signed yet. @throws RangeError for too many groups */
export const rulesOf = (book: RuleBook, revision: number, now: Date): RoleMetadata<'rules'> =>
  unsigned('rules', {
    version: rulesVersionOf(revision),
    expires: expiryAfter(now, lifeOf.rules),
    targets: targetsOfRules(book),
  });

/** A role with nothing in it. Not signed yet. */
const emptyRole = (role: 'custom' | 'agent', version: number, now: Date): RoleMetadata<'custom' | 'agent'> =>
  unsigned(role, { version, expires: expiryAfter(now, lifeOf[role]), targets: {} });

/**
 * The first version of a repository, as administrators sign it: root, targets, rules, custom and agent. The publisher adds
 * what the online key signs.
 *
 * @param revision of the book that is in force; 0 before anybody wrote rules
 * @throws SigningError; RangeError for a book of too many groups
 */
export async function initialDocuments(options: {
  readonly signers: readonly Signer[];
  readonly threshold: number;
  /** PEM. */
  readonly onlineKey: string;
  readonly book: RuleBook;
  readonly revision: number;
  readonly now: Date;
}): Promise<readonly SignedDocument[]> {
  const { signers, threshold, onlineKey, book, revision, now } = options;
  const administrators: PublicKey[] = [];
  for (const signer of signers) administrators.push(publicKeyOf(await signer.publicKey()));
  const keyholders: Keyholders = { administrators, threshold, online: [publicKeyOf(onlineKey)] };
  const made = [
    ['root', rootOf(keyholders, 1, now)],
    ['targets', delegationsOf(keyholders, 1, now)],
    ['rules', rulesOf(book, revision, now)],
    ['custom', emptyRole('custom', 1, now)],
    ['agent', emptyRole('agent', 1, now)],
  ] as const;
  const documents: SignedDocument[] = [];
  for (const [role, metadata] of made) {
    for (const signer of signers) await sign(metadata, signer);
    documents.push(document(role, metadata));
  }
  return documents;
}

/** Rules of a book, signed by one administrator: what `PUT /v1/rules` takes. @throws SigningError; RangeError */
export async function signedRules(book: RuleBook, revision: number, signer: Signer, now: Date): Promise<string> {
  const metadata = rulesOf(book, revision, now);
  await sign(metadata, signer);
  return textOf(metadata);
}

/** Adds one signature to each document. @throws SigningError; RepositoryError `malformed` */
export async function addSignature(
  documents: readonly SignedDocument[],
  signer: Signer,
): Promise<readonly SignedDocument[]> {
  const signed: SignedDocument[] = [];
  for (const { role, text } of documents) {
    const metadata = parseMetadata(role, text);
    await sign(metadata, signer);
    signed.push(document(role, metadata));
  }
  return signed;
}

/** Who may sign by this root. @throws RepositoryError `malformed` for a root that is not of our layout */
export function keyholdersOf({ signed }: RoleMetadata<'root'>): Keyholders {
  const keysOf = (role: 'root' | 'timestamp'): PublicKey[] =>
    (signed.roles[role]?.keyIDs ?? []).map((keyId) => {
      const key = signed.keys[keyId];
      const found = key?.keyVal.public === undefined ? undefined : publicKeyOf(key.keyVal.public);
      if (found?.keyId !== keyId)
        throw new RepositoryError('malformed', 'root', `root names the key ${keyId}, which is not one on P-256 of it`);
      return found;
    });
  return {
    administrators: keysOf('root'),
    threshold: signed.roles.root?.threshold ?? 1,
    online: keysOf('timestamp'),
  };
}

/** What administrators' roles are now. */
export interface AdministratorsPart {
  readonly root: RoleMetadata<'root'>;
  readonly targets: RoleMetadata<'targets'>;
  readonly rules: RoleMetadata<'rules'>;
  readonly custom: RoleMetadata<'custom'>;
  readonly agent: RoleMetadata<'agent'>;
}

/** What {@link documentsForKeyholders} signs with, and the numbers it gives. */
interface KeyholdersOptions {
  readonly signer: Signer;
  /** The one in force; its rules are signed again. */
  readonly book: RuleBook;
  /** Revision that the rules are signed at. @default - the one after the published rules */
  readonly revision?: number;
  /**
   * Numbers of roles that may skip some: files of a change that was never published may lie where the next one belongs, and
   * no file is written over.
   *
   * @default - the one after the version in force
   */
  readonly versions?: Readonly<Partial<Record<'targets' | 'custom' | 'agent', number>>>;
  readonly now: Date;
}

/**
 * Everything that new keyholders owe, signed by one administrator: root and targets that name them, and the roles that a key
 * which is gone may have signed. Where more signatures are needed, others add theirs.
 *
 * @throws SigningError
 */
export async function documentsForKeyholders(
  current: AdministratorsPart,
  next: Keyholders,
  options: KeyholdersOptions,
): Promise<readonly SignedDocument[]> {
  const { signer, book, versions = {}, now } = options;
  const { root, rules } = current;
  const revision = options.revision ?? revisionOfRules(rules.signed.version) + 1;
  const versionOf = (role: 'targets' | 'custom' | 'agent') => versions[role] ?? current[role].signed.version + 1;
  const again = (role: 'custom' | 'agent') =>
    unsigned(role, {
      version: versionOf(role),
      expires: expiryAfter(now, lifeOf[role]),
      targets: current[role].signed.toJSON().targets,
    });
  const made: readonly (readonly [AdministratorRole, RoleMetadata])[] = [
    ['root', rootOf(next, root.signed.version + 1, now)],
    ['targets', delegationsOf(next, versionOf('targets'), now)],
    ['rules', rulesOf(book, revision, now)],
    ['custom', again('custom')],
    ['agent', again('agent')],
  ];
  return addSignature(
    made.map(([role, metadata]) => document(role, metadata)),
    signer,
  );
}
