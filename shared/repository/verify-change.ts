/** What administrators signed, looked at before anything of it is published: by the API, to say no, and by the publisher. */
import { canonicalJson } from '../contract/canonical-json.ts';
import type { CustomDocument } from '../contract/packages.ts';
import type { RuleBook } from '../contract/rules.ts';
import { rulesVersionOf } from '../contract/signed-documents.ts';
import type { SignedDocument, TrustRole } from '../contract/trust.ts';
import { type AdministratorsPart, delegationsOf, keyholdersOf, rootOf } from './author.ts';
import { parseMetadata, publicKeyOf, type RoleMetadata, requireSigned, signaturesOf, textOf } from './metadata.ts';
import { checkPackages } from './packages.ts';
import type { Published } from './published.ts';
import { RepositoryError } from './repository-error.ts';
import { type TargetDocument, targetsOfRules } from './targets.ts';

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
  /** Documents of the role `custom` that came with the change. @default none */
  readonly contents?: readonly CustomDocument[] | undefined;
}

/** A change that may be published. */
export interface CheckedChange extends AdministratorsPart {
  /**
   * When the new root is written. A reader who comes in between has one root and the other timestamp, and must be able to
   * believe them. Before the timestamp where the new root believes what is published: so it is with another online key, by
   * which the new timestamp is signed already. After it where the new root does not, since an administrator left, and the old
   * one believes what is new. `unchanged`: there is no new root.
   */
  readonly rootOrder: 'unchanged' | 'before-timestamp' | 'after-timestamp';
  /** Documents of the role `custom` that are to be written with it. */
  readonly packages: readonly TargetDocument[];
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
    if (text !== undefined) return successor(role, text, inForce(current, role), now);
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
  const packages = checkPackages(custom, inForce(current, 'custom'), context.contents);
  return { ...change, rootOrder: orderOf(change, context), packages };
}

/**
 * What is published, to be signed on just as it is, where root and targets are not of each other: a change of keys that died
 * between the two leaves them so. Hosts believe them, since they are written in an order that sees to it, and must not be left
 * without a timestamp until somebody finishes the change.
 *
 * @throws RepositoryError where administrators did not sign all of it, or hosts would not believe this broker's timestamp
 */
export function keepPublished(current: Published, onlineKey: string): CheckedChange {
  const { root, targets, rules, custom, agent } = current;
  requireOnlineKey(root, onlineKey);
  requireSigned(root, 'root', root);
  requireSigned(root, 'targets', targets);
  for (const role of ['rules', 'custom', 'agent'] as const) requireSigned(targets, role, current[role]);
  return { root, targets, rules, custom, agent, rootOrder: 'unchanged', packages: [] };
}

/** Whether a signature by this key alone makes a role count. @param onlineKey PEM */
export function signsAlone({ signed }: RoleMetadata<'root' | 'targets'>, role: TrustRole, onlineKey: string): boolean {
  const roles: Readonly<Record<string, { readonly keyIDs: string[]; readonly threshold: number }>> | undefined =
    'roles' in signed ? signed.roles : signed.delegations?.roles;
  const asked = roles?.[role];
  return asked?.threshold === 1 && asked.keyIDs.includes(publicKeyOf(onlineKey).keyId);
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
  const before = inForce(current, 'rules');
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

/**
 * What is published of a role, where administrators signed it: what somebody published with the online key alone is no reason to
 * hold up what they sign.
 */
function inForce<R extends Role>(current: Published | undefined, role: R): RoleMetadata<R> | undefined {
  if (current === undefined) return undefined;
  const metadata = current[role] as RoleMetadata<R>;
  if (role === 'root') return metadata;
  const delegator = role === 'targets' ? current.root : current.targets;
  return believes(delegator, { [role]: metadata }) ? metadata : undefined;
}

/**
 * Numbers that a change may leave out. No administrator has a use for so many; without a bound, one alone could take the last
 * number there is, and no change of keys would be possible any more.
 */
const maxSkipped = 1_000_000;

/**
 * A next version of a role, or the one in force again. Numbers may be skipped, since a change that died may have left its files
 * under them; but for roots, which TUF wants one after the other.
 */
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
  const { version } = metadata.signed;
  if (version < expected || version > expected + (role === 'root' ? 0 : maxSkipped))
    throw new RepositoryError(
      version < expected ? 'rolled-back' : 'conflict',
      role,
      `${role} has the version ${version}, the next one is ${expected}`,
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
  requireOnlineKey(root, onlineKey);
  const same = (role: 'root' | 'targets', found: RoleMetadata, made: RoleMetadata): void => {
    const withoutTime = ({ signed }: RoleMetadata) => canonicalJson({ ...signed.toJSON(), expires: '' });
    if (withoutTime(found) === withoutTime(made)) return;
    const whose = role === 'targets' ? ` for the keys of root ${root.signed.version}` : '';
    throw new RepositoryError('malformed', role, `${role} is not of the layout that docs/trust.md describes${whose}`);
  };
  const now = new Date();
  same('root', root, rootOf(keyholders, root.signed.version, now));
  same('targets', targets, delegationsOf(keyholders, targets.signed.version, now));
}

/** @throws RepositoryError `malformed` when what this broker signs would not count under this root */
function requireOnlineKey(root: RoleMetadata<'root'>, onlineKey: string): void {
  if ((['snapshot', 'timestamp'] as const).every((role) => signsAlone(root, role, onlineKey))) return;
  const named = root.signed.roles.timestamp?.keyIDs ?? [];
  throw new RepositoryError(
    'malformed',
    'root',
    `root lets ${named.join(', ')} sign online, and this broker signs with ${publicKeyOf(onlineKey).keyId}`,
  );
}

function orderOf(next: AdministratorsPart, { current, onlineKey }: ChangeContext): CheckedChange['rootOrder'] {
  if (current === undefined) return 'before-timestamp';
  if (textOf(next.root) === textOf(current.root)) return 'unchanged';
  const { targets, snapshot, timestamp } = current;
  const published = { targets, snapshot, timestamp };
  // Where hosts do not believe what is published, there is nothing that they must believe on the way.
  if (believes(next.root, published) || !believes(current.root, published)) return 'before-timestamp';
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
