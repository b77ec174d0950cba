import type { Catalog, CatalogGap, CatalogUpdate, CbsParent, PayloadFile } from '#shared/core/catalog/model.ts';
import type { CoreFacts } from './core-fragment.ts';
import type { ExtendedFacts } from './extended-fragment.ts';
import type { Fragments } from './fragments.ts';
import type { ListedUpdate, PackageList } from './package-xml.ts';

const MAX_EXAMPLES = 10;

/** Counts what is touched once each, and keeps the first few names. */
class GapCounter {
  readonly #counts = new Map<CatalogGap['code'], { count: number; examples: string[] }>();

  add(code: CatalogGap['code'], examples: readonly string[]): void {
    const gap = this.#counts.get(code) ?? { count: 0, examples: [] };
    this.#counts.set(code, gap);
    gap.count += 1;
    for (const example of examples) if (gap.examples.length < MAX_EXAMPLES) gap.examples.push(example);
  }

  gaps(): CatalogGap[] {
    return [...this.#counts].map(([code, gap]) => ({ code, ...gap }));
  }
}

/** Directory names of the layout at hand, so that a missing member is named as it would be called. */
export interface FragmentDirectories {
  readonly core: string;
  readonly extended: string;
  readonly localized: string;
}

/** Puts the list and the fragments together, by RevisionId, and counts what does not fit. */
export function joinCatalog(list: PackageList, fragments: Fragments, directories: FragmentDirectories): Catalog {
  const gaps = new GapCounter();
  const updates = new Map<number, CatalogUpdate>();
  const files = new Map<string, PayloadFile>();
  const conflicts = new Set<string>();
  for (const listed of list.updates.values()) {
    const core = fragments.core.get(listed.revisionId);
    const extended = fragments.extended.get(listed.revisionId);
    const update = joinUpdate(listed, core, extended, list, fragments);
    updates.set(update.revisionId, update);
    countGaps(listed, update, core, extended, gaps, directories);
    addFiles(files, update, extended, conflicts);
  }
  for (const [sha1, file] of files) {
    const url = list.locations.get(sha1);
    if (url === undefined) gaps.add('location-missing', [sha1]);
    else files.set(sha1, { ...file, url });
    if (file.name === undefined || file.size === undefined) gaps.add('file-facts-missing', [sha1]);
  }
  for (const sha1 of conflicts) gaps.add('file-facts-conflict', [sha1]);
  if (files.size > 0 && list.locations.size === 0) gaps.add('no-file-locations', []);
  return {
    ...(list.packageId === undefined ? {} : { packageId: list.packageId }),
    ...(list.createdAt === undefined ? {} : { createdAt: list.createdAt }),
    updates,
    files,
    gaps: gaps.gaps(),
  };
}

function joinUpdate(
  listed: ListedUpdate,
  core: CoreFacts | undefined,
  extended: ExtendedFacts | undefined,
  list: PackageList,
  fragments: Fragments,
): CatalogUpdate {
  const title = fragments.title(listed.revisionId, listed.defaultLanguage);
  const present = (revisionId: number): boolean => list.updates.has(revisionId);
  return {
    updateId: listed.updateId,
    revision: listed.revision,
    revisionId: listed.revisionId,
    type: core?.type ?? 'unknown',
    action: listed.action,
    isBundle: listed.isBundle,
    isLeaf: listed.isLeaf,
    createdAt: listed.createdAt,
    prerequisites: listed.prerequisites,
    bundledBy: listed.bundledBy.filter(present),
    supersededBy: listed.supersededBy.filter(present),
    categories: {
      ...(listed.classification === undefined ? {} : { classification: listed.classification }),
      products: listed.products,
      families: listed.families,
      companies: listed.companies,
    },
    payload: payloadOf(listed, extended),
    ...(title === undefined ? {} : { title }),
    kbs: kbsOf(extended, title),
    ...(extended?.severity === undefined ? {} : { severity: extended.severity }),
    bulletins: extended?.bulletins ?? [],
    cves: extended?.cves ?? [],
    ...(extended?.reboot === undefined ? {} : { reboot: extended.reboot }),
    alwaysInstalled: core?.alwaysInstalled ?? false,
    cbsParents: distinctParents(core?.cbsParents ?? []),
  };
}

/** package.xml lists the files of every real leaf; a list cut out of a sample is made up for by the fragment. */
function payloadOf(listed: ListedUpdate, extended: ExtendedFacts | undefined): readonly string[] {
  const sha1s = listed.payload.length > 0 ? listed.payload : (extended?.files.map((file) => file.sha1) ?? []);
  return [...new Set(sha1s)];
}

/** The property is what counts; titles end in `(KB5101650)` and make up for it where it is missing. */
function kbsOf(extended: ExtendedFacts | undefined, title: string | undefined): readonly string[] {
  if (extended !== undefined && extended.kbs.length > 0) return extended.kbs;
  const inTitle = /\(KB(\d{1,10})\)/i.exec(title ?? '')?.[1];
  return inTitle === undefined ? [] : [inTitle];
}

function distinctParents(parents: readonly CbsParent[]): readonly CbsParent[] {
  return [...new Map(parents.map((parent) => [JSON.stringify(Object.values(parent)), parent])).values()];
}

function countGaps(
  listed: ListedUpdate,
  update: CatalogUpdate,
  core: CoreFacts | undefined,
  extended: ExtendedFacts | undefined,
  gaps: GapCounter,
  directories: FragmentDirectories,
): void {
  const id = String(update.revisionId);
  const missing: string[] = [];
  if (core === undefined) missing.push(`${directories.core}/${id}`);
  // Categories and detectoids have nothing in the other two that a decision depends on.
  if (extended === undefined && update.action !== 'evaluate') missing.push(`${directories.extended}/${id}`);
  if (update.title === undefined && update.action === 'install') {
    missing.push(`${directories.localized}/${listed.defaultLanguage}/${id}`);
  }
  if (missing.length > 0) gaps.add('fragment-missing', missing);
  if (core !== undefined && (core.updateId !== update.updateId || core.revision !== update.revision)) {
    gaps.add('identity-mismatch', [id]);
  }
  if (update.supersededBy.length < listed.supersededBy.length) gaps.add('dangling-superseder', [id]);
  if (update.bundledBy.length < listed.bundledBy.length) gaps.add('dangling-bundle', [id]);
  if (update.action === 'install' && update.kbs.length === 0) gaps.add('no-kb', [id]);
}

/** The same file can belong to many leaves, and an older fragment can lack the SHA-256 that a newer one has. */
function addFiles(
  files: Map<string, PayloadFile>,
  update: CatalogUpdate,
  extended: ExtendedFacts | undefined,
  conflicts: Set<string>,
): void {
  for (const sha1 of update.payload) if (!files.has(sha1)) files.set(sha1, { sha1 });
  for (const file of extended?.files ?? []) {
    const known = files.get(file.sha1);
    if (known === undefined) continue;
    const sizeDiffers = known.size !== undefined && known.size !== file.size;
    const sha256Differs = known.sha256 !== undefined && file.sha256 !== undefined && known.sha256 !== file.sha256;
    if (sizeDiffers || sha256Differs) conflicts.add(file.sha1);
    const sha256 = known.sha256 ?? file.sha256;
    files.set(file.sha1, {
      ...known,
      ...(sha256 === undefined ? {} : { sha256 }),
      name: known.name ?? file.name,
      size: known.size ?? file.size,
    });
  }
}
