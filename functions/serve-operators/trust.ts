import * as z from 'zod/mini';
import { buildKey, parseKey } from '#shared/contract/keys.ts';
import { packageManifest, packageOfPath, packagePaths } from '#shared/contract/packages.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { RulesDocument } from '#shared/contract/rules.ts';
import { revisionOfRules } from '#shared/contract/signed-documents.ts';
import { type SignedDocument, type TrustChange, type TrustView, trustRoles } from '#shared/contract/trust.ts';
import {
  parseMetadata,
  publicKeyOf,
  type RoleMetadata,
  sha256Of,
  signaturesOf,
  textOf,
} from '#shared/repository/metadata.ts';
import { type Published, readPublished } from '#shared/repository/published.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { type CheckedChange, checkChange, checkRules, type SignedRules } from '#shared/repository/verify-change.ts';
import { type AuditPorts, audited } from './audited.ts';
import { unlessRefused } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

export type TrustPorts = AuditPorts &
  Pick<OperatorPorts, 'rules' | 'repository' | 'publisher' | 'onlineKey' | 'packages'>;

/**
 * The signed repository as it is published, and changes of it that administrators signed. Nothing is believed here because
 * of who sends it: the publisher proves each document again, and hosts prove what is published.
 */
export function trustApi(ports: TrustPorts): Pick<OperatorsApi, 'getTrust' | 'getTrustFile' | 'changeTrust'> {
  return {
    getTrust: () => viewOf(ports),

    async getTrustFile({ query }) {
      const key = parseKey(query.key ?? '');
      const ours = ['metadata', 'timestamp', 'target', 'pinned-root'] as const;
      if (key === undefined || !ours.some((kind) => kind === key.kind))
        throw new ProblemError(
          'bad-request',
          `key: got ${JSON.stringify(query.key)}, allowed is the key of a signed file, such as metadata/timestamp.json`,
        );
      const text = await ports.repository.read(key);
      return { version: 1, key: buildKey(key), ...(text !== undefined && { text }) };
    },

    changeTrust: ({ request, ...call }) => changeTrust(ports, call, request),
  };
}

/** The version that is published. @throws RepositoryError for a repository that is damaged */
const published = ({ repository }: Pick<TrustPorts, 'repository'>): Promise<Published | undefined> =>
  readPublished((key) => repository.read(key));

async function viewOf(ports: TrustPorts): Promise<TrustView> {
  const publicKey = await ports.onlineKey();
  const onlineKey = { keyId: publicKeyOf(publicKey).keyId, publicKey };
  const current = await published(ports);
  if (current === undefined) return { version: 1, onlineKey };
  const roles = trustRoles.map((role) => {
    const metadata: RoleMetadata = current[role];
    const byRoot = role === 'root' || role === 'targets' || role === 'snapshot' || role === 'timestamp';
    const { keys, signedBy, threshold } = signaturesOf(byRoot ? current.root : current.targets, role, metadata);
    const { version, expires } = metadata.signed;
    return { role, version, expiresAt: expires, threshold, keys: [...keys], signedBy: [...signedBy] };
  });
  return { version: 1, onlineKey, repository: { rootSha256: sha256Of(textOf(current.root)), roles } };
}

async function changeTrust(
  ports: TrustPorts,
  call: Caller,
  { documents, contents, comment }: TrustChange,
): Promise<{ readonly version: 1; readonly state: 'accepted' }> {
  const roles = documents.map(({ role }) => role);
  if (new Set(roles).size !== roles.length) throw new ProblemError('bad-request', 'documents: a role is in it twice');
  const [current, onlineKey, rules] = await Promise.all([published(ports), ports.onlineKey(), ports.rules.get()]);
  const others = documents.filter(({ role }) => role !== 'rules');
  const text = documents.find(({ role }) => role === 'rules')?.text;
  const now = ports.now();
  const { next, stores } = proved(() => {
    const given = text === undefined ? undefined : rulesOfChange(text, rules, current);
    const change = checkChange(others, given?.signed, { current, onlineKey, now, contents });
    return { next: change, stores: given };
  });
  await requireUploaded(ports, next);
  const change = {
    action: 'trust.change',
    target: 'repository',
    ...(current && { before: inShort(current) }),
    after: { ...inShort(next), ...packagesInShort(next, current), ...(comment !== undefined && { comment }) },
  };
  await audited(ports, call, change, async () => {
    if (stores?.write === 'beside')
      await unlessRefused('too-large', () => ports.rules.putSigned(rules.revision, stores.signed.text));
    if (stores?.write === 'next') {
      const again = {
        book: rules.book,
        changedAt: now.toISOString(),
        changedBy: call.caller.name,
        signed: stores.signed.text,
      };
      await unlessRefused('too-large', () =>
        ports.rules.put({ ...again, comment: comment ?? 'signed again' }, rules.revision),
      );
    }
    await unlessRefused('too-large', () =>
      ports.publisher.send({
        version: 1,
        kind: 'documents',
        documents: [...others] as SignedDocument[],
        ...(contents && { contents }),
      }),
    );
  });
  return { version: 1, state: 'accepted' };
}

/** Signed rules among a change: for the revision in force while nothing is published, or for the next one, of the same book. */
function rulesOfChange(
  text: string,
  { revision, book }: RulesDocument,
  current: Published | undefined,
): { readonly signed: SignedRules; readonly write: 'beside' | 'next' | 'nothing' } {
  const { version } = parseMetadata('rules', text).signed;
  const of = revisionOfRules(version);
  const signed = { revision: of, book, text };
  if (current === undefined && of === revision) return { signed, write: 'beside' };
  if (current !== undefined && of === revision + 1) return { signed, write: 'next' };
  if (current !== undefined && textOf(current.rules) === text) return { signed, write: 'nothing' };
  throw new RepositoryError(
    'conflict',
    'rules',
    `the signed rules have the version ${version}, that is revision ${of}; revision ${revision} is in force`,
  );
}

/** Content first: a host that hears of a package must find its files. @throws ProblemError `bad-request` */
async function requireUploaded({ packages }: Pick<TrustPorts, 'packages'>, next: CheckedChange): Promise<void> {
  for (const { path, text } of next.packages) {
    if (packageOfPath(path) === undefined) continue;
    for (const file of z.parse(packageManifest, JSON.parse(text)).files)
      if (!(await packages.has(file)))
        throw new ProblemError(
          'bad-request',
          `${path}: its file ${file.name} (SHA-256 ${file.sha256}, ${file.size} bytes) is not uploaded`,
        );
  }
}

/** Packages that come and go, and all assignments where they are new. */
function packagesInShort(next: CheckedChange, current: Published | undefined) {
  const [before, after] = [current?.custom, next.custom].map((custom) => Object.keys(custom?.signed.targets ?? {}));
  const without = (some: readonly string[] = [], others: readonly string[] = []) =>
    some.filter((path) => packageOfPath(path) !== undefined && !others.includes(path));
  const [added, removed] = [without(after, before), without(before, after)];
  const book = next.packages.find(({ path }) => path === packagePaths.book);
  if (book === undefined) return {};
  return { packages: { added, removed, book: JSON.parse(book.text) as unknown } };
}

const inShort = (parts: Published | CheckedChange) => ({
  rootSha256: sha256Of(textOf(parts.root)),
  versions: Object.fromEntries(
    (['root', 'targets', 'rules', 'custom', 'agent'] as const).map((role) => [role, parts[role].signed.version]),
  ),
});

/**
 * Metadata of the role `rules` that must come with a new book once there is a repository.
 *
 * @throws ProblemError `bad-request`, `forbidden` when nobody who may signed them, `conflict`
 */
export async function requireSignedRules(
  ports: Pick<TrustPorts, 'repository' | 'now'>,
  rules: Omit<SignedRules, 'text'> & { readonly text: string | undefined },
): Promise<string | undefined> {
  const current = await published(ports);
  const { text } = rules;
  if (current === undefined) {
    if (text === undefined) return undefined;
    throw new ProblemError('bad-request', 'signed: there is no repository yet; "kbroker trust init" makes it');
  }
  if (text === undefined)
    throw new ProblemError(
      'forbidden',
      'signed: missing, and hosts believe only rules that an administrator signed; "kbroker rules" signs them with --key',
    );
  proved(() => checkRules({ ...rules, text }, current.targets, ports.now()));
  return text;
}

/** @throws ProblemError */
function proved<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error;
    const conflicts = error.code === 'conflict' || error.code === 'rolled-back';
    const code = error.code === 'unsigned' ? 'forbidden' : conflicts ? 'conflict' : 'bad-request';
    throw new ProblemError(code, error.message, { cause: error });
  }
}
