/** What administrators signed, looked at before anything of it is published: by the API, to say no, and by the publisher. */
import { canonicalJson } from '../contract/canonical-json.ts';
import type { RuleBook } from '../contract/rules.ts';
import { rulesVersionOf } from '../contract/signed-documents.ts';
import type { SignedDocument, TrustRole } from '../contract/trust.ts';
import { type AdministratorsPart, delegationsOf, keyholdersOf, rootOf } from './author.ts';
import { parseMetadata, publicKeyOf, type RoleMetadata, requireSigned, signaturesOf, textOf } from './metadata.ts';
import type { Published } from './published.ts';
import { RepositoryError } from './repository-error.ts';
import { targetsOfRules } from './targets.ts';

/** Signed rules as the rule store has them. */
export interface SignedRules {
  readonly revision: number;
  readonly book: RuleBook;
  /** Metadata of the role `rules`. */
  readonly text: string;
}

export interface ChangeContext {
  /** `undefined` before the first version. */
  readonly current: Published | undefined;
  /** PEM of the key that the publisher signs with. */
  readonly onlineKey: string;
  readonly now: Date;
}

/** A change that may be published. */
export interface CheckedChange extends AdministratorsPart {
  /**
   * When the new root is written. A reader who comes in between has one root and the other timestamp, and must be able to
   * believe them. `unchanged`: there is no new root.
   */
  readonly rootOrder: 'unchanged' | 'before-timestamp' | 'after-timestamp';
}

type Role = SignedDocument['role'];

/**
 * Proves a change of administrators' roles, all of it or nothing: each document follows on the version in force, is signed
 * by those who count, under the old root and the new one, and is of the layout that this broker knows. Documents that are
 * in force already change nothing.
 *
 * @param documents new metadata; `rules` comes from the rule store
 * @param rules undefined: nobody signed the rules in force yet
 * @throws RepositoryError with the role and what is wrong
 */
export function checkChange(
  documents: readonly SignedDocument[],
  rules: SignedRules | undefined,
  context: ChangeContext,
): CheckedChange {
  const { current, onlineKey, now } = context;
  const given = new Map(documents.map(({ role, text }) => [role, text]));
  const next = <R extends Exclude<Role, 'rules'>>(role: R): RoleMetadata<R> => {
    const text = given.get(role);
    if (text !== undefined) return successor(role, text, current?.[role], now);
    const before = current?.[role] as RoleMetadata<R> | undefined;
    if (before === undefined) throw new RepositoryError('not-found', role, `${role} is missing from the first version`);
    return before;
  };
  const root = next('root');
  const targets = next('targets');
  const custom = next('custom');
  const agent = next('agent');

  requireSigned(root, 'root', root);
  if (current !== undefined && textOf(root) !== textOf(current.root)) requireSigned(current.root, 'root', root);
  requireLayout(root, targets, onlineKey);
  requireSigned(root, 'targets', targets);
  const chosen = rules === undefined ? current?.rules : newerRules(rules, { current, targets, now });
  if (chosen === undefined) throw new RepositoryError('unsigned', 'rules', 'nobody signed the rules in force');
  requireSigned(targets, 'rules', chosen);
  requireSigned(targets, 'custom', custom);
  requireSigned(targets, 'agent', agent);
  const change = { root, targets, rules: chosen, custom, agent };
  return { ...change, rootOrder: orderOf(change, context) };
}

/**
 * Signed rules for a revision of the book.
 *
 * @param targets says who may sign rules
 * @throws RepositoryError when they are of another book or revision, or nobody signed them who may
 */
export function checkRules(
  { revision, book, text }: SignedRules,
  targets: RoleMetadata<'targets'>,
  now: Date,
): RoleMetadata<'rules'> {
  const metadata = parseMetadata('rules', text);
  const {
    version,
    expires,
    targets: named,
  } = metadata.signed.toJSON() as {
    version: number;
    expires: string;
    targets: unknown;
  };
  if (version !== rulesVersionOf(revision))
    throw new RepositoryError(
      'mixed',
      'rules',
      `the signed rules have the version ${version}, revision ${revision} of the book is ${rulesVersionOf(revision)}`,
    );
  if (canonicalJson(named) !== canonicalJson(namedBy(book)))
    throw new RepositoryError('mixed', 'rules', 'the signed rules are of another book than the one beside them');
  requireFresh('rules', expires, now);
  requireSigned(targets, 'rules', metadata);
  return metadata;
}

/** @throws RepositoryError `malformed` for more groups than can be signed */
function namedBy(book: RuleBook): ReturnType<typeof targetsOfRules> {
  try {
    return targetsOfRules(book);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RepositoryError('malformed', 'rules', cause.message, { cause });
  }
}

function newerRules(
  rules: SignedRules,
  { current, targets, now }: Pick<ChangeContext, 'current' | 'now'> & { readonly targets: RoleMetadata<'targets'> },
): RoleMetadata<'rules'> {
  // What somebody published with the online key alone is no reason to hold up what administrators sign.
  const before =
    current !== undefined && believes(current.targets, { rules: current.rules }) ? current.rules : undefined;
  const version = rulesVersionOf(rules.revision);
  if (before !== undefined && version === before.signed.version) return before;
  if (before !== undefined && version < before.signed.version)
    throw new RepositoryError(
      'rolled-back',
      'rules',
      `the rules in force have the version ${version}, published are ${before.signed.version}: a table was put back`,
    );
  return checkRules(rules, targets, now);
}

/** The next version of a role, or the one in force again. */
function successor<R extends Exclude<Role, 'rules'>>(
  role: R,
  text: string,
  before: RoleMetadata | undefined,
  now: Date,
): RoleMetadata<R> {
  const metadata = parseMetadata(role, text);
  if (textOf(metadata) !== text)
    throw new RepositoryError(
      'malformed',
      role,
      `${role} is not in canonical JSON, or has members that TUF does not know`,
    );
  if (before !== undefined && textOf(before) === text) return metadata;
  const expected = (before?.signed.version ?? 0) + 1;
  if (metadata.signed.version !== expected)
    throw new RepositoryError(
      metadata.signed.version < expected ? 'rolled-back' : 'conflict',
      role,
      `${role} has the version ${metadata.signed.version}, the next one is ${expected}`,
    );
  requireFresh(role, metadata.signed.expires, now);
  return metadata;
}

function requireFresh(role: Role, expires: string, now: Date): void {
  if (Date.parse(expires) <= now.getTime())
    throw new RepositoryError('expired', role, `${role} expired on ${expires} already`);
}

/** Root and targets as this broker makes them: no role, key or path beyond, and its own key among those that sign online. */
function requireLayout(root: RoleMetadata<'root'>, targets: RoleMetadata<'targets'>, onlineKey: string): void {
  const keyholders = keyholdersOf(root);
  const { keyId } = publicKeyOf(onlineKey);
  if (!keyholders.online.some((key) => key.keyId === keyId))
    throw new RepositoryError(
      'malformed',
      'root',
      `root lets ${keyholders.online.map((key) => key.keyId).join(', ')} sign online, and this broker signs with ${keyId}`,
    );
  const same = (role: 'root' | 'targets', found: RoleMetadata, made: RoleMetadata): void => {
    const withoutTime = ({ signed }: RoleMetadata) => canonicalJson({ ...signed.toJSON(), expires: '' });
    if (withoutTime(found) !== withoutTime(made))
      throw new RepositoryError('malformed', role, `${role} is not of the layout that docs/trust.md describes`);
  };
  const now = new Date();
  same('root', root, rootOf(keyholders, root.signed.version, now));
  same('targets', targets, delegationsOf(keyholders, targets.signed.version, now));
}

function orderOf(next: AdministratorsPart, { current, onlineKey }: ChangeContext): CheckedChange['rootOrder'] {
  if (current === undefined) return 'before-timestamp';
  if (textOf(next.root) === textOf(current.root)) return 'unchanged';
  const { targets, snapshot, timestamp } = current;
  if (believes(next.root, { targets, snapshot, timestamp })) return 'before-timestamp';
  const { keyId } = publicKeyOf(onlineKey);
  const oldKey = keyholdersOf(current.root).online.some((key) => key.keyId === keyId);
  if (oldKey && believes(current.root, { targets: next.targets })) return 'after-timestamp';
  throw new RepositoryError(
    'unsigned',
    'root',
    'the new root and the one in force have no keys in common that hosts could believe on the way: change administrators ' +
      'and the online key one after the other, and let administrators of before sign as well',
  );
}

/** Whether keys that a delegator names signed all of these. */
function believes(
  delegator: RoleMetadata<'root' | 'targets'>,
  roles: Readonly<Partial<Record<TrustRole, RoleMetadata>>>,
): boolean {
  return Object.entries(roles).every(([role, metadata]) => {
    const { signedBy, threshold } = signaturesOf(delegator, role as TrustRole, metadata);
    return signedBy.length >= threshold;
  });
}
