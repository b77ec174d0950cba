/** The role `custom`: packages of administrators' own, and which of them are for whom. */
import * as z from 'zod/mini';
import { canonicalJson } from '../contract/canonical-json.ts';
import {
  type CustomDocument,
  type ListedPackage,
  type PackageAssignments,
  type PackageManifestDocument,
  packageBook,
  packageFacts,
  packageManifest,
  packageOfPath,
  packagePaths,
} from '../contract/packages.ts';
import { packageRef } from '../core/packages/model.ts';
import type { Signer } from '../signing/port.ts';
import { expiryAfter, type RoleMetadata, sha256Of, sign, textOf, unsigned } from './metadata.ts';
import { RepositoryError } from './repository-error.ts';
import { lifeOf, maxTargetsOfRole } from './roles.ts';
import { binOfHost, type TargetDocument, type TargetEntry, targetDocument, targetEntries } from './targets.ts';

type Entries = Readonly<Record<string, TargetEntry>>;

/** What a version of the role says, apart from the documents that it names. */
export interface PackageState {
  /** Manifests by path, as the metadata names them. */
  readonly manifests: Entries;
  readonly assignments: PackageAssignments;
}

/** Nothing is signed, and nobody has a package. */
export const noAssignments: PackageAssignments = { groups: {}, hosts: {} };

/** A manifest as a target: its document, and what the metadata says of it. */
export function manifestTarget(manifest: PackageManifestDocument): {
  readonly document: TargetDocument;
  readonly entry: TargetEntry;
} {
  const { name, packageVersion, kind, title, files } = manifest;
  const document = targetDocument(packagePaths.manifest(name, packageVersion), manifest);
  const custom = { kind, title, files: files.map(({ sha256, size }) => ({ sha256, size })) };
  const entry = { length: Buffer.byteLength(document.text), hashes: { sha256: document.sha256 }, custom };
  return { document, entry };
}

/** Manifests that the metadata names, by path. */
export const manifestsIn = ({ signed }: RoleMetadata<'custom'>): Entries =>
  Object.fromEntries(
    Object.entries(signed.toJSON().targets as unknown as Entries).filter(([path]) => packageOfPath(path) !== undefined),
  );

/** The packages that are signed, by name and version. @throws RepositoryError `malformed` */
export function listPackages(custom: RoleMetadata<'custom'>): readonly ListedPackage[] {
  return Object.entries(manifestsIn(custom)).map(([path, { custom: said }]) => {
    const facts = z.safeParse(packageFacts, said);
    const named = packageOfPath(path);
    if (facts.success && named !== undefined) return { ...named, ...facts.data };
    throw new RepositoryError('malformed', 'custom', `custom does not say what ${path} is`);
  });
}

/** All that follows from which packages there are and for whom they are. @throws RangeError for more than a role may name */
function targetsOf({ manifests, assignments }: PackageState): {
  readonly targets: Entries;
  readonly documents: readonly TargetDocument[];
} {
  const documents = [targetDocument(packagePaths.book, { version: 1, assignments })];
  for (const [group, packages] of Object.entries(assignments.groups))
    documents.push(targetDocument(packagePaths.group(group), { version: 1, group, packages }));
  const bins = new Map<string, Record<string, readonly string[]>>();
  for (const [machine, packages] of Object.entries(assignments.hosts)) {
    const bin = binOfHost(machine);
    bins.set(bin, { ...bins.get(bin), [machine]: packages });
  }
  for (const [bin, hosts] of bins) documents.push(targetDocument(packagePaths.hosts(bin), { version: 1, hosts }));
  const targets = { ...manifests, ...targetEntries(documents, ({ path }) => path !== packagePaths.book) };
  const count = Object.keys(targets).length;
  if (count > maxTargetsOfRole)
    throw new RangeError(
      `${Object.keys(manifests).length} versions of packages, and their groups and hosts, are ${count} signed documents; ` +
        `at most ${maxTargetsOfRole} can be signed: remove versions that no group has`,
    );
  return { targets, documents };
}

/** Signs which packages there are and for whom. @throws SigningError; RangeError for more than a role may name */
export async function signedPackages(
  state: PackageState,
  { version, signer, now }: { readonly version: number; readonly signer: Signer; readonly now: Date },
): Promise<{ readonly text: string; readonly book: TargetDocument }> {
  const { targets, documents } = targetsOf(state);
  const metadata = unsigned('custom', { version, expires: expiryAfter(now, lifeOf.custom), targets });
  await sign(metadata, signer);
  const [book] = documents;
  if (book === undefined) throw new Error('there is always a book');
  return { text: textOf(metadata), book };
}

/**
 * Proves that metadata of the role says what its documents say: its manifests are of the agreed shape, and no version of a
 * package changes; groups and hosts have what the book assigns, and every assigned package is there. Who signed it is none of
 * this.
 *
 * @param before what is in force; undefined: nothing that an administrator signed
 * @param contents the book, and each manifest that is new
 * @returns documents to be written
 * @throws RepositoryError
 */
export function checkPackages(
  next: RoleMetadata<'custom'>,
  before: RoleMetadata<'custom'> | undefined,
  contents: readonly CustomDocument[] = [],
): readonly TargetDocument[] {
  const targets = next.signed.toJSON().targets as unknown as Entries;
  const known = (before?.signed.toJSON().targets ?? {}) as unknown as Entries;
  // Signed again, for other keys or another year: all that it names is there.
  if (contents.length === 0 && (before === undefined || canonicalJson(targets) === canonicalJson(known))) return [];
  const given = new Map(contents.map(({ path, text }) => [path, text]));
  const manifests = manifestsIn(next);
  const written = Object.entries(manifests).flatMap(([path, entry]) => {
    const text = given.get(path);
    const old = known[path];
    if (old !== undefined && canonicalJson(old) !== canonicalJson(entry))
      throw fault('conflict', `${path} is there with another content: what changed is another version of the package`);
    // Where what is published is not believed, the documents of what was believed before it are there all the same.
    if (text === undefined && (old !== undefined || before === undefined)) return [];
    if (text === undefined) throw fault('not-found', `${path} is new and did not come along`);
    return [manifestDocument(path, text, entry)];
  });
  const book = bookOf(given.get(packagePaths.book));
  const refs = new Set(Object.keys(manifests).flatMap((path) => refOf(path) ?? []));
  const lost = [...Object.values(book.groups), ...Object.values(book.hosts)].flat().find((ref) => !refs.has(ref));
  if (lost !== undefined) throw fault('mixed', `${lost} is assigned, and no such package is signed`);
  const owed = owedBy({ manifests, assignments: book });
  if (canonicalJson(owed.targets) !== canonicalJson(targets))
    throw fault('mixed', 'custom names other documents than those that follow from its packages and its book');
  return [...written, ...owed.documents];
}

const fault = (code: 'conflict' | 'not-found' | 'mixed' | 'malformed', message: string): RepositoryError =>
  new RepositoryError(code, 'custom', message);

const refOf = (path: string): string | undefined => {
  const named = packageOfPath(path);
  return named && packageRef(named);
};

function owedBy(state: PackageState): ReturnType<typeof targetsOf> {
  try {
    return targetsOf(state);
  } catch (cause) {
    if (cause instanceof RangeError) throw fault('malformed', cause.message);
    throw cause;
  }
}

function bookOf(text: string | undefined): PackageAssignments {
  if (text === undefined) throw fault('not-found', `${packagePaths.book} did not come along`);
  const parsed = z.safeParse(packageBook, jsonOf(text));
  if (parsed.success) return parsed.data.assignments;
  throw fault('malformed', `${packagePaths.book} is not of the agreed shape: ${z.prettifyError(parsed.error)}`);
}

function manifestDocument(path: string, text: string, entry: TargetEntry): TargetDocument {
  const parsed = z.safeParse(packageManifest, jsonOf(text));
  if (!parsed.success) throw fault('malformed', `${path} is not of the agreed shape: ${z.prettifyError(parsed.error)}`);
  const made = manifestTarget(parsed.data);
  if (made.document.path !== path)
    throw fault(
      'mixed',
      `${path} is the manifest of ${packageRef(parsed.data)}, which belongs at ${made.document.path}`,
    );
  if (made.document.text !== text || canonicalJson(made.entry) !== canonicalJson(entry))
    throw fault('mixed', `${path} is not what custom says of it`);
  return made.document;
}

/** `undefined` for a text that is not JSON: no schema takes it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Which packages are for whom, by a role that was proved.
 *
 * @param read gives a document of the repository
 * @throws RepositoryError when the book is lost, or is not what the metadata says
 */
export async function assignmentsOf(
  custom: RoleMetadata<'custom'>,
  read: (key: {
    readonly kind: 'target';
    readonly path: string;
    readonly sha256: string;
  }) => Promise<string | undefined>,
): Promise<PackageAssignments> {
  if (custom.signed.targets[packagePaths.book] === undefined) return noAssignments;
  return bookOf(await readTarget(custom, packagePaths.book, read));
}

/** The manifest of a package, by a role that was proved. @throws RepositoryError; `not-found` when it is not signed */
export async function manifestOf(
  custom: RoleMetadata<'custom'>,
  { name, packageVersion }: { readonly name: string; readonly packageVersion: string },
  read: Parameters<typeof assignmentsOf>[1],
): Promise<PackageManifestDocument> {
  const path = packagePaths.manifest(name, packageVersion);
  const parsed = z.safeParse(packageManifest, jsonOf(await readTarget(custom, path, read)));
  if (parsed.success) return parsed.data;
  throw fault('malformed', `${path} is not of the agreed shape: ${z.prettifyError(parsed.error)}`);
}

async function readTarget(
  { signed }: RoleMetadata<'custom'>,
  path: string,
  read: Parameters<typeof assignmentsOf>[1],
): Promise<string> {
  const sha256 = signed.targets[path]?.hashes.sha256;
  if (sha256 === undefined) throw fault('not-found', `custom names no ${path}`);
  const text = await read({ kind: 'target', path, sha256 });
  if (text === undefined) throw fault('not-found', `${path} is lost`);
  if (sha256Of(text) !== sha256) throw fault('mixed', `${path} is not what its digest says`);
  return text;
}
