/** A change of keyholders that somebody else made, looked at before a signature is given: signatures play no part here. */
import { canonicalJson } from '../contract/canonical-json.ts';
import { revisionOfRules } from '../contract/signed-documents.ts';
import type { SignedDocument } from '../contract/trust.ts';
import { type AdministratorsPart, delegationsOf, type Keyholders, keyholdersOf, rootOf, rulesOf } from './author.ts';
import { type PublicKey, parseMetadata, type RoleMetadata } from './metadata.ts';
import type { Proven } from './proven.ts';
import { RepositoryError } from './repository-error.ts';
import { lifeOf } from './roles.ts';

/** What a change does to who may sign, read from its documents and from nothing that is said about it. */
export interface Review {
  readonly added: readonly PublicKey[];
  readonly removed: readonly PublicKey[];
  readonly onlineAdded: readonly PublicKey[];
  readonly onlineRemoved: readonly PublicKey[];
  /** How many administrators must sign root and targets, before and after. */
  readonly threshold: readonly [before: number, after: number];
  /** Revision under which the rules in force are signed again. */
  readonly revision: number;
}

/**
 * Proves that a change is of keyholders alone: its five documents are what the keyholders of its root owe, the rules are those
 * that administrators signed last, and `custom` and `agent` are as they were. Everything else would be signed unseen.
 *
 * @param revision the one that the rules must be signed for
 * @throws RepositoryError with the role that says something else
 */
export function reviewChange(
  documents: readonly SignedDocument[],
  { parts, book }: Pick<Proven, 'parts' | 'book'>,
  { revision, now }: { readonly revision: number; readonly now: Date },
): Review {
  const offered = partOf(documents);
  const next = keyholdersOf(offered.root);
  const { root, targets, rules, custom, agent } = offered;
  for (const role of ['targets', 'custom', 'agent'] as const)
    if (offered[role].signed.version <= parts[role].signed.version)
      throw new RepositoryError(
        'rolled-back',
        role,
        `${role} has the version ${offered[role].signed.version}, and ${parts[role].signed.version} is in force`,
      );
  requireSame('root', root, bodyOf(rootOf(next, parts.root.signed.version + 1, now)), now);
  requireSame('targets', targets, bodyOf(delegationsOf(next, targets.signed.version, now)), now);
  if (revisionOfRules(rules.signed.version) !== revision)
    throw new RepositoryError(
      'conflict',
      'rules',
      `rules are of revision ${revisionOfRules(rules.signed.version)}, and the next one is ${revision}: the change must be made anew`,
    );
  requireSame('rules', rules, bodyOf(rulesOf(book, revision, now)), now);
  requireSame('custom', custom, { ...bodyOf(parts.custom), version: custom.signed.version }, now);
  requireSame('agent', agent, { ...bodyOf(parts.agent), version: agent.signed.version }, now);
  return { ...differenceOf(keyholdersOf(parts.root), next), revision };
}

function partOf(documents: readonly SignedDocument[]): AdministratorsPart {
  const texts = new Map(documents.map(({ role, text }) => [role, text]));
  const part = <R extends SignedDocument['role']>(role: R): RoleMetadata<R> => {
    const text = texts.get(role);
    if (text === undefined)
      throw new RepositoryError('malformed', role, `the change has no ${role}: it is not one of keyholders`);
    return parseMetadata(role, text);
  };
  if (texts.size !== documents.length) throw new RepositoryError('malformed', undefined, 'a role is in it twice');
  return {
    root: part('root'),
    targets: part('targets'),
    rules: part('rules'),
    custom: part('custom'),
    agent: part('agent'),
  };
}

const bodyOf = ({ signed }: RoleMetadata): Record<string, unknown> => ({ ...signed.toJSON(), expires: '' });

/** The same but for when it ends, which must not be later than by a signature of today. */
function requireSame(
  role: SignedDocument['role'],
  offered: RoleMetadata,
  owed: Readonly<Record<string, unknown>>,
  now: Date,
): void {
  if (canonicalJson(bodyOf(offered)) !== canonicalJson(owed))
    throw new RepositoryError(
      'mixed',
      role,
      `${role} of the change says something else than who may sign: it is not to be signed`,
    );
  const end = Date.parse(offered.signed.expires);
  if (!(end > now.getTime() && end <= now.getTime() + lifeOf[role]))
    throw new RepositoryError('malformed', role, `${role} of the change is good until ${offered.signed.expires}`);
}

function differenceOf(before: Keyholders, after: Keyholders): Omit<Review, 'revision'> {
  const without = (some: readonly PublicKey[], others: readonly PublicKey[]): readonly PublicKey[] =>
    some.filter(({ keyId }) => others.every((other) => other.keyId !== keyId));
  return {
    added: without(after.administrators, before.administrators),
    removed: without(before.administrators, after.administrators),
    onlineAdded: without(after.online, before.online),
    onlineRemoved: without(before.online, after.online),
    threshold: [before.threshold, after.threshold],
  };
}
