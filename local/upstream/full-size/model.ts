/** What a publication of full size says. GUIDs are lower case, times are UTC. */

interface Common {
  readonly updateId: string;
  readonly revision: number;
  /** Number within this publication; a later revision gets another one. */
  revisionId: number;
  createdAt: Date;
}

/** A category or a detectoid. */
export interface Evaluated extends Common {
  readonly kind: 'evaluated';
  /** Place among its like; the start of everything else that is invented about it. */
  readonly index: number;
  readonly isCategory: boolean;
  readonly title: string;
  /** Of another evaluated update, or undefined at the top. */
  readonly prerequisite: string | undefined;
  readonly languages: number;
}

export type PayloadKind = 'cbs' | 'msi' | 'command' | 'uup';

/** An update with KB and title. */
export interface Bundle extends Common {
  readonly kind: 'bundle';
  readonly index: number;
  readonly uup: boolean;
  readonly payload: PayloadKind;
  readonly kb: number;
  readonly product: Evaluated;
  readonly classification: string;
  /** All must hold; of the ids in a list, one. The first two are product and classification. */
  readonly clauses: readonly (readonly string[])[];
  /** ProductName and ReleaseVersion of a UUP update. */
  readonly release: { readonly name: string; readonly version: string } | undefined;
  readonly leaves: Leaf[];
  /** Updates that replace each other, oldest first, and the place of this one among them. */
  readonly series: Bundle[];
  readonly ordinal: number;
  readonly languages: number;
}

/** The part of a bundle that has files. */
export interface Leaf extends Common {
  readonly kind: 'leaf';
  /** Of the bundle that it was made for. */
  readonly owner: Bundle;
  /** Place in its owner. */
  readonly place: number;
  /** Its owner first. */
  readonly bundledBy: Bundle[];
  readonly files: readonly number[];
  /** All must hold; of the ids in a list, one. The first is the product. */
  readonly clauses: readonly (readonly string[])[];
  /** Languages of its files, when they have one. */
  readonly fileLanguages: readonly string[];
  /** Bytes that the component manifest or patch description in the core fragment is to have, more or less. */
  readonly metadataBytes: number;
}

export type Entry = Evaluated | Bundle | Leaf;

/** A detail cabinet. */
export interface Shard {
  /** `package2.cab` … */
  readonly name: string;
  /** Least RevisionId; 0 for the first. */
  readonly rangeStart: number;
  /** In ascending order of RevisionIds. */
  readonly entries: readonly Entry[];
}

export interface World {
  readonly seed: number;
  readonly packageId: string;
  readonly createdAt: Date;
  /** The first holds what is numbered anew in each publication. */
  readonly shards: readonly Shard[];
}
