/**
 * What administrators signed, proved by the root that was pinned. Hosts read the repository by tuf-js, which refuses a version
 * as a whole when a part of it has ended or is forged. An administrator must still be able to sign what takes its place, and so
 * looks at each role for itself, with the functions by which the publisher proves a change.
 */
import * as z from 'zod/mini';
import type { RepositoryKey } from '../contract/keys.ts';
import type { RuleBook } from '../contract/rules.ts';
import { revisionOfRules, rulesVersionOf, signedBook, targetPaths } from '../contract/signed-documents.ts';
import { type TrustRole, trustRoles } from '../contract/trust.ts';
import type { AdministratorsPart } from './author.ts';
import { parseMetadata, type RoleMetadata, requireSigned, sha256Of } from './metadata.ts';
import { type Published, readPublished } from './published.ts';
import { RepositoryError } from './repository-error.ts';
import { targetDocument } from './targets.ts';
import { checkRules } from './verify-change.ts';

type Read = (key: RepositoryKey) => Promise<string | undefined>;
type DelegatedPart = 'targets' | 'rules' | 'custom' | 'agent';

/** Versions of administrators' roles. */
export type Versions = Readonly<Record<keyof AdministratorsPart, number>>;

export interface Proven {
  /** The newest of each role that those who may sign it did sign; rules may be stored and not published yet. */
  readonly parts: AdministratorsPart;
  /** The book of these rules, and its revision. */
  readonly book: RuleBook;
  readonly revision: number;
  /** What is published, proved or not; absent where it cannot be read. */
  readonly published: Published | undefined;
  /** What is published and nobody signed who may, or was replaced by something older, in words. */
  readonly faults: readonly string[];
  /** Roles of the published version whose time is over: hosts refuse it. */
  readonly ended: readonly TrustRole[];
  /** What to remember: nothing older is to be believed. */
  readonly seen: Versions;
}

/** Rules as the rule store has them. */
interface StoredRules {
  readonly revision: number;
  readonly book: RuleBook;
  /** Metadata of the role `rules`, or what claims to be. */
  readonly signed?: string | undefined;
}

export interface ProvenOptions {
  readonly rootSha256: string;
  readonly now: Date;
  /** What was proved here before: nothing older is believed. */
  readonly known?: Versions | undefined;
  /** The rule store's; they count when they are signed, whether they are published yet or not. */
  readonly stored: StoredRules;
}

/**
 * Reads each role of administrators and proves it. Where what is published is not signed, or is older than what is known, the
 * newest that is signed counts in its place; numbered files are never written over.
 *
 * @throws RepositoryError `not-pinned`, `not-found` where a role was never signed, `rolled-back` for a root that is gone
 */
export async function readProven(read: Read, options: ProvenOptions): Promise<Proven> {
  const { known, now, stored } = options;
  const faults: string[] = [];
  const root = await newestRoot(read, options, faults);
  if (root.signed.version < (known?.root ?? 0))
    throw new RepositoryError(
      'rolled-back',
      'root',
      `the repository has roots up to version ${root.signed.version}, and version ${known?.root} was seen here`,
    );
  const published = await readPublished(read, root.signed.version).catch((error: unknown) => {
    faults.push(sayOf(error));
    return undefined;
  });
  const newest = async <R extends DelegatedPart>(
    role: R,
    delegator: RoleMetadata<'root' | 'targets'>,
    hint = 0,
  ): Promise<RoleMetadata<R>> => {
    const floor = known?.[role] ?? 0;
    const offered = published?.[role] as RoleMetadata<R> | undefined;
    if (offered !== undefined && isGood(role, offered, { delegator, floor, faults })) return offered;
    const from = await lastOfRow(read, role, Math.max(hint, floor));
    const found = await newestBetween(read, role, { delegator, from, floor });
    if (found !== undefined) return found;
    throw new RepositoryError(
      'not-found',
      role,
      [...faults, `no ${role} is there that administrators signed`].join('; '),
    );
  };
  const targets = await newest('targets', root);
  const parts = {
    root,
    targets,
    rules: await newest('rules', targets, rulesVersionOf(stored.revision)),
    custom: await newest('custom', targets),
    agent: await newest('agent', targets),
  };
  if (published !== undefined) {
    const online = { feed: targets, snapshot: root, timestamp: root };
    for (const [role, delegator] of Object.entries(online) as [keyof typeof online, typeof targets][])
      isGood(role, published[role], { delegator, floor: 0, faults });
  }
  const ended = trustRoles.filter((role) => published && Date.parse(published[role].signed.expires) <= now.getTime());
  const seen = versionsOf(parts);
  const newer = signedInStore(stored, targets);
  const rules = newer !== undefined && newer.signed.version > parts.rules.signed.version ? newer : parts.rules;
  const book = rules === newer ? stored.book : await bookOf(read, rules);
  const revision = revisionOfRules(rules.signed.version);
  return { parts: { ...parts, rules }, book, revision, published, faults, ended, seen };
}

/** The rule store's rules when an administrator signed them. */
function signedInStore(
  { revision, book, signed }: StoredRules,
  targets: RoleMetadata<'targets'>,
): RoleMetadata<'rules'> | undefined {
  if (signed === undefined) return undefined;
  try {
    // What has ended is still what was signed last.
    return checkRules({ revision, book, text: signed }, targets, new Date(0));
  } catch (error) {
    sayOf(error);
    return undefined;
  }
}

const versionsOf = (parts: AdministratorsPart): Versions => ({
  root: parts.root.signed.version,
  targets: parts.targets.signed.version,
  rules: parts.rules.signed.version,
  custom: parts.custom.signed.version,
  agent: parts.agent.signed.version,
});

/** The first number from `version` on that no file of the role has: numbers that a thief took are left to him. */
export async function nextFree(read: Read, role: DelegatedPart, version: number): Promise<number> {
  for (let next = version; ; next += 1) {
    if ((await read({ kind: 'metadata', role, version: next })) === undefined) return next;
  }
}

/** From the pinned root on, each signed by those of the one before it and by its own. */
async function newestRoot(read: Read, { rootSha256 }: ProvenOptions, faults: string[]): Promise<RoleMetadata<'root'>> {
  const text = await read({ kind: 'pinned-root', sha256: rootSha256 });
  if (text === undefined || sha256Of(text) !== rootSha256)
    throw new RepositoryError('not-pinned', 'root', `the repository has no root with the SHA-256 ${rootSha256}`);
  let root = parseMetadata('root', text);
  for (;;) {
    const version = root.signed.version + 1;
    const after = await read({ kind: 'metadata', role: 'root', version });
    if (after === undefined) return root;
    try {
      const next = parseMetadata('root', after);
      if (next.signed.version !== version)
        throw new RepositoryError('mixed', 'root', `root of version ${version} says it is of ${next.signed.version}`);
      requireSigned(root, 'root', next);
      requireSigned(next, 'root', next);
      root = next;
    } catch (error) {
      faults.push(sayOf(error));
      return root;
    }
  }
}

function isGood(
  role: TrustRole,
  metadata: RoleMetadata,
  {
    delegator,
    floor,
    faults,
  }: { readonly delegator: RoleMetadata<'root' | 'targets'>; readonly floor: number; readonly faults: string[] },
): boolean {
  const { version } = metadata.signed;
  try {
    requireSigned(delegator, role, metadata);
    if (version >= floor) return true;
    faults.push(`${role} of version ${version} is published, and version ${floor} was signed after it`);
  } catch (error) {
    faults.push(sayOf(error));
  }
  return false;
}

/** Numbers in a row that may be missing from it: a run that died or was refused leaves some. */
const widestGap = 3;

/** The last number that a file of the role has, from a known one on. */
async function lastOfRow(read: Read, role: DelegatedPart, known: number): Promise<number> {
  let last = known;
  for (let next = known + 1; next <= last + 1 + widestGap; next += 1)
    if ((await read({ kind: 'metadata', role, version: next })) !== undefined) last = next;
  return last;
}

async function newestBetween<R extends DelegatedPart>(
  read: Read,
  role: R,
  {
    delegator,
    from,
    floor,
  }: { readonly delegator: RoleMetadata<'root' | 'targets'>; readonly from: number; readonly floor: number },
): Promise<RoleMetadata<R> | undefined> {
  for (let version = from; version >= Math.max(floor, 1); version -= 1) {
    const text = await read({ kind: 'metadata', role, version });
    if (text === undefined) continue;
    try {
      const metadata = parseMetadata(role, text);
      requireSigned(delegator, role, metadata);
      if (metadata.signed.version === version) return metadata;
    } catch (error) {
      sayOf(error);
    }
  }
  return undefined;
}

/** @throws RepositoryError when it is not there, or is not what the rules say */
async function bookOf(read: Read, rules: RoleMetadata<'rules'>): Promise<RuleBook> {
  const target = rules.signed.targets[targetPaths.book];
  const sha256 = target?.hashes.sha256;
  if (sha256 === undefined) throw new RepositoryError('malformed', 'rules', 'the signed rules have no book');
  const inside = target?.custom.document;
  const text =
    inside === undefined
      ? await read({ kind: 'target', path: targetPaths.book, sha256 })
      : targetDocument(targetPaths.book, inside).text;
  if (text === undefined || sha256Of(text) !== sha256)
    throw new RepositoryError(
      text === undefined ? 'not-found' : 'mixed',
      'rules',
      'the book of the signed rules is lost',
    );
  const parsed = z.safeParse(signedBook, JSON.parse(text));
  if (parsed.success) return parsed.data.book;
  throw new RepositoryError(
    'malformed',
    'rules',
    `the book of the signed rules cannot be read: ${z.prettifyError(parsed.error)}`,
  );
}

/** @throws whatever is no fault of the repository */
function sayOf(error: unknown): string {
  if (error instanceof RepositoryError) return error.message;
  throw error;
}
