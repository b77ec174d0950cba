import type { CatalogGap, DeploymentAction, InnerCab, RebootBehavior, Severity, UpdateType } from '../model.ts';
import type { Lists } from './growing.ts';
import type { Texts } from './pools.ts';

/**
 * A whole catalogue in columns: one typed array for each property, row `i` of all of them being one update (or file).
 * Numbers refer to `guids` (16 bytes each) and `texts`; where a property may be absent, 0 says so and a reference is
 * the number plus one.
 */
export interface CatalogColumns {
  readonly packageId?: string;
  readonly createdAt?: string;
  readonly gaps: readonly CatalogGap[];
  readonly cabs: readonly InnerCab[];
  /** GUIDs, 16 bytes each, in the order of their text. */
  readonly guids: Uint8Array;
  readonly texts: Texts;
  readonly updates: UpdateColumns;
  readonly files: FileColumns;
}

export interface UpdateColumns {
  /** RevisionIds, ascending. */
  readonly revisionId: Uint32Array;
  /** UpdateId, in `guids`. */
  readonly guid: Uint32Array;
  readonly revision: Uint32Array;
  /** See {@link packFlags}. */
  readonly flags: Uint16Array;
  /** Cabinet of the fragments, in `cabs`, plus one; 0 when they came from none, or not all from one. */
  readonly cab: Uint16Array;
  /** In `texts`. */
  readonly created: Uint32Array;
  /** In `texts`, plus one. */
  readonly title: Uint32Array;
  /** In `guids`, plus one. */
  readonly classification: Uint32Array;
  /** For each clause the number of its ids, and these, in `guids`. */
  readonly prerequisites: Lists;
  /** RevisionIds. */
  readonly bundledBy: Lists;
  readonly supersededBy: Lists;
  /** In `guids`. */
  readonly products: Lists;
  readonly families: Lists;
  readonly companies: Lists;
  /** Rows of `files`. */
  readonly payload: Lists;
  /** For each value of `payload` the name that the update's own fragment gives: in `texts`, plus one. */
  readonly payloadName: Uint32Array;
  /** For each value of `payload`: 1 when the update's own fragment describes the file, 3 when with its SHA-256. */
  readonly payloadSource: Uint8Array;
  /** In `texts`. */
  readonly kbs: Lists;
  readonly bulletins: Lists;
  readonly cves: Lists;
}

export interface FileColumns {
  /** 20 bytes each, ascending. */
  readonly sha1: Uint8Array;
  /** 32 bytes each; zeros when it is not known. */
  readonly sha256: Uint8Array;
  /** 1: the SHA-256 is known; 2: the size is. */
  readonly known: Uint8Array;
  /** Bytes; beyond 2^32 for some. */
  readonly size: Float64Array;
  /** In `texts`, plus one. */
  readonly name: Uint32Array;
  readonly url: Uint32Array;
}

const types: readonly UpdateType[] = ['unknown', 'software', 'category', 'detectoid'];
const actions: readonly DeploymentAction[] = ['install', 'bundle', 'evaluate'];
const severities: readonly (Severity | undefined)[] = [undefined, 'Critical', 'Important', 'Moderate', 'Low'];
const reboots: readonly (RebootBehavior | undefined)[] = [undefined, 'never', 'can', 'always'];

/** The properties of an update that fit into one number. */
export interface UpdateFlags {
  readonly type: UpdateType;
  readonly action: DeploymentAction;
  readonly isBundle: boolean;
  readonly isLeaf: boolean;
  readonly severity: Severity | undefined;
  readonly reboot: RebootBehavior | undefined;
  /** Its core and its extended fragment were there. */
  readonly hasCore: boolean;
  readonly hasExtended: boolean;
  /** The KB number was found in the title, not in the extended fragment. */
  readonly kbFromTitle: boolean;
}

/**
 * Bits from 0: type (2), action (2), isBundle, isLeaf, severity (3), reboot (2), hasCore, hasExtended, kbFromTitle. What is
 * left out has the bits 0, so that parts which are known from several places may be packed apart and joined by `|`.
 */
export function packFlags(flags: Partial<UpdateFlags>): number {
  return (
    types.indexOf(flags.type ?? 'unknown') |
    (actions.indexOf(flags.action ?? 'install') << 2) |
    (flags.isBundle === true ? 1 << 4 : 0) |
    (flags.isLeaf === true ? 1 << 5 : 0) |
    (severities.indexOf(flags.severity) << 6) |
    (reboots.indexOf(flags.reboot) << 9) |
    (flags.hasCore === true ? 1 << 11 : 0) |
    (flags.hasExtended === true ? 1 << 12 : 0) |
    (flags.kbFromTitle === true ? 1 << 13 : 0)
  );
}

export function unpackFlags(packed: number): UpdateFlags {
  return {
    type: types[packed & 3] ?? 'unknown',
    action: actions[(packed >>> 2) & 3] ?? 'install',
    isBundle: (packed & (1 << 4)) !== 0,
    isLeaf: (packed & (1 << 5)) !== 0,
    severity: severities[(packed >>> 6) & 7],
    reboot: reboots[(packed >>> 9) & 3],
    hasCore: (packed & (1 << 11)) !== 0,
    hasExtended: (packed & (1 << 12)) !== 0,
    kbFromTitle: (packed & (1 << 13)) !== 0,
  };
}
