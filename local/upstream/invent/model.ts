import type { Severity } from './plans.ts';

/** One payload file behind the index. */
export interface InventedFile {
  /** Label of its bytes (see `payloadBytes`). */
  readonly label: string;
  /** Name in the index. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha1: string;
  /** Hex. */
  readonly sha256: string;
  /** False for files from before SHA-256: the index then has the SHA-1 only. */
  readonly saysSha256: boolean;
  /** ISO 8601. */
  readonly modified: string;
  readonly url: string;
  readonly patching: 'SelfContained' | 'ServicingStack' | 'Metadata';
}

/** At least one of the ids must hold. */
export interface Clause {
  readonly ids: readonly string[];
  /** The ids are categories; the core fragment says so. */
  readonly isCategory: boolean;
}

interface Common {
  readonly updateId: string;
  readonly revision: number;
  readonly revisionId: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly clauses: readonly Clause[];
}

export interface Titles {
  readonly en: string;
  readonly de: string;
}

export interface InventedCategory extends Common {
  readonly kind: 'category';
  readonly titles: Titles;
  readonly categoryType: string;
}

export interface InventedDetectoid extends Common {
  readonly kind: 'detectoid';
  readonly titles: Titles;
  readonly rule: string;
}

/** What people call an update: the bundle with KB and title. */
export interface InventedUnit extends Common {
  readonly kind: 'unit';
  /** Built by the Unified Update Platform: another shape of the records, and RevisionIds that move. */
  readonly uup: boolean;
  readonly titles: Titles;
  readonly kb: string;
  readonly severity?: Severity | undefined;
  readonly bulletins: readonly string[];
  readonly cves: readonly string[];
  readonly categories: readonly { readonly type: string; readonly id: string }[];
  /** ProductName and ReleaseVersion of a UUP unit. */
  readonly release?: { readonly name: string; readonly version: string } | undefined;
  readonly bundles: readonly { readonly updateId: string; readonly revision: number }[];
  /** UpdateIds, also of updates that are no longer published. */
  readonly supersedes: readonly string[];
  /** RevisionIds of this publication. */
  readonly supersededBy: readonly number[];
}

/** The part of a unit that has files. */
export interface InventedPayload extends Common {
  readonly kind: 'payload';
  readonly handler: 'cbs' | 'os-installer' | 'command-line';
  readonly release?: { readonly name: string; readonly version: string } | undefined;
  /** Children of ApplicabilityRules. */
  readonly rules: string;
  readonly reboot: 'NeverReboots' | 'CanRequestReboot' | 'AlwaysRequiresReboot';
  readonly bundledBy: readonly number[];
  readonly files: readonly InventedFile[];
}

export type InventedUpdate = InventedCategory | InventedDetectoid | InventedUnit | InventedPayload;

/** Everything that one publication of the index says. */
export interface InventedPublication {
  readonly packageId: string;
  /** ISO 8601, no fraction. */
  readonly createdAt: string;
  /** In the order of package.xml. */
  readonly updates: readonly InventedUpdate[];
  /** Every file of the updates once. */
  readonly files: readonly InventedFile[];
}
