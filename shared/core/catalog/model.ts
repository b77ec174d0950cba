/**
 * The catalogue: what Microsoft offers in one publication of its offline index.
 *
 * Identities and digests have one spelling inside the house: GUIDs are lower case, digests lower-case hex, KB numbers
 * digits without "KB". The spellings of the cab (base64 digests, mixed-case GUIDs) end in `shared/index`.
 */

/**
 * What never changes its meaning between publications. RevisionIds do: those of UUP updates are numbered anew in each
 * (seen in the indexes of June and July 2026; usui-tk and HexMystic/patchmanagement).
 */
export interface UpdateIdentity {
  /** GUID, lower case. */
  readonly updateId: string;
  readonly revision: number;
}

export type Severity = 'Critical' | 'Important' | 'Moderate' | 'Low';

/** `install`: a unit of its own. `bundle`: payload of a unit (DeploymentAction="Bundle"). `evaluate`: category or detectoid. */
export type DeploymentAction = 'install' | 'bundle' | 'evaluate';

/** Software, or one of the two things that are only evaluated; `unknown` when the core fragment is missing. */
export type UpdateType = 'software' | 'category' | 'detectoid' | 'unknown';

export type RebootBehavior = 'never' | 'always' | 'can';

/** Ids of the category updates of a unit, as package.xml lists them. */
interface CategoryIds {
  readonly classification?: string;
  readonly products: readonly string[];
  readonly families: readonly string[];
  readonly companies: readonly string[];
}

/** One `<Update>` of package.xml joined with its c/, x/ and l/ fragments. */
export interface CatalogUpdate extends UpdateIdentity {
  /** Number of this update inside this publication only; never stored as an identity. */
  readonly revisionId: number;
  readonly type: UpdateType;
  readonly action: DeploymentAction;
  readonly isBundle: boolean;
  readonly isLeaf: boolean;
  /** ISO 8601, as in the index. */
  readonly createdAt: string;
  /** All clauses must hold; a clause holds when one of its UpdateIds does. */
  readonly prerequisites: readonly (readonly string[])[];
  /** RevisionIds of the bundles that carry this leaf; ids that the publication lacks are left out (and counted). */
  readonly bundledBy: readonly number[];
  /** RevisionIds of newer updates; ids that the publication lacks are already left out (and counted in the gaps). */
  readonly supersededBy: readonly number[];
  readonly categories: CategoryIds;
  /** SHA-1 (hex) of each payload file, in the order of the index. */
  readonly payload: readonly string[];
  /** English title; absent for leaves. */
  readonly title?: string;
  /** KB numbers, digits only. */
  readonly kbs: readonly string[];
  readonly severity?: Severity;
  readonly bulletins: readonly string[];
  readonly cves: readonly string[];
  readonly reboot?: RebootBehavior;
}

/** What the index says of one payload file. Facts about files come from here only, never from a host. */
export interface PayloadFile {
  /** Hex; the index has it for every file, so it is the key of requests. */
  readonly sha1: string;
  /** Hex; absent for old files whose fragment has no SHA256 AdditionalDigest. */
  readonly sha256?: string;
  /** Name that WUA expects the file to have. */
  readonly name?: string;
  /** Bytes. */
  readonly size?: number;
  /** Where Microsoft serves it, as the index spells it. */
  readonly url?: string;
}

/** One hole of a publication, in words and machine-readable. */
export interface CatalogGap {
  readonly code:
    | 'fragment-missing'
    | 'location-missing'
    | 'file-facts-missing'
    | 'file-facts-conflict'
    | 'identity-mismatch'
    | 'dangling-superseder'
    | 'dangling-bundle'
    | 'no-file-locations'
    | 'no-kb';
  /** How many updates or files are touched. */
  readonly count: number;
  /** Up to ten examples: RevisionIds, digests or member names. */
  readonly examples: readonly string[];
}

/**
 * What readers need of a map. A whole catalogue has some 137,000 updates and 97,000 files and is kept in columns
 * (`columns/`); values are made when they are asked for, so ask once and do not collect what is not needed.
 * A `Map` is one too.
 */
export interface Lookup<Key, Value> extends Iterable<readonly [Key, Value]> {
  readonly size: number;
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  keys(): Iterable<Key>;
  values(): Iterable<Value>;
}

/** One inner cabinet of the publication, as far as a later publication can make use of it. */
export interface InnerCab {
  /** Lower case, for instance `package30.cab`. */
  readonly name: string;
  /** Hex, of the cabinet's bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /**
   * Whether this catalogue holds all that the cabinet's fragments say: then a publication with the same cabinet takes
   * it from here. False when something about it is odd: a fragment of an update that is not listed, or that another
   * cabinet has too, another identity than in package.xml, titles without an English one, files in another order or of
   * another update, or described otherwise elsewhere.
   */
  readonly reusable: boolean;
}

export interface Catalog {
  /** `PackageId` of package.xml: changes with each publication. Absent in trimmed samples. */
  readonly packageId?: string;
  /** `CreationDate` of package.xml, ISO 8601. */
  readonly createdAt?: string;
  /** By RevisionId of this publication. */
  readonly updates: Lookup<number, CatalogUpdate>;
  /** By SHA-1 (hex). */
  readonly files: Lookup<string, PayloadFile>;
  /** The cabinets inside the index that hold fragments; none in catalogues that were not read from one. */
  readonly cabs?: readonly InnerCab[];
  readonly gaps: readonly CatalogGap[];
}
