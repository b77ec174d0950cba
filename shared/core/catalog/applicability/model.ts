/**
 * Applicability rules as data: what a core fragment (`c/`) says of when an update is installed, superseded, installable.
 *
 * Operators keep the names that they have in the fragments: `b.` is Microsoft's namespace BaseApplicabilityRules, `m.`
 * MsiApplicabilityRules. Their meaning is that of Microsoft's schema pages ("WSUS XML Schema
 * Reference", learn.microsoft.com, bb972752 and the pages it lists); where those are silent, `evaluate.ts` says what is done.
 */
import type { Version } from './version.ts';

export type Comparison = 'LessThan' | 'LessThanOrEqualTo' | 'EqualTo' | 'GreaterThanOrEqualTo' | 'GreaterThan';
export type StringComparison = 'EqualTo' | 'BeginsWith' | 'EndsWith' | 'Contains';

/** A key below HKEY_LOCAL_MACHINE, or below the key that the surrounding `b.RegKeyLoop` is at. */
export interface RegistryKey {
  readonly root: 'machine' | 'loop-target';
  readonly subkey: string;
  /** RegType32: the key as 32-bit programs see it. */
  readonly view32: boolean;
}

/** A value; the name of a key's default value is empty. */
export interface RegistryValueName extends RegistryKey {
  readonly value: string;
}

/** Where a file is: below a known folder, below a folder that the registry names, or anywhere. */
export interface FileReference {
  readonly path: string;
  /** CSIDL number of SHGetFolderPath, for instance 37 for System32. */
  readonly csidl?: number;
  /** The `…PrependRegSz` operators: the text of this value stands before the path. */
  readonly prepend?: RegistryValueName;
}

interface Logical {
  readonly op: 'And' | 'Or';
  readonly rules: readonly Rule[];
}
interface Not {
  readonly op: 'Not';
  readonly rule: Rule;
}
interface Constant {
  readonly op: 'True' | 'False';
}

export type RegistryRule =
  | { readonly op: 'b.RegKeyExists'; readonly key: RegistryKey }
  | { readonly op: 'b.RegValueExists'; readonly value: RegistryValueName; readonly type?: string }
  | {
      readonly op: 'b.RegDword';
      readonly value: RegistryValueName;
      readonly comparison: Comparison;
      readonly data: number;
    }
  | {
      readonly op: 'b.RegSz' | 'b.RegExpandSz';
      readonly value: RegistryValueName;
      readonly comparison: StringComparison;
      readonly data: string;
    }
  | {
      readonly op: 'b.RegSzToVersion';
      readonly value: RegistryValueName;
      readonly comparison: Comparison;
      readonly data: Version;
    }
  | {
      readonly op: 'b.RegKeyLoop';
      readonly key: RegistryKey;
      readonly trueIf: 'Any' | 'All' | 'None';
      readonly rule: Rule;
    };

export type FileRule =
  | {
      readonly op: 'b.FileExists' | 'b.FileExistsPrependRegSz';
      readonly file: FileReference;
      /** Bytes. */
      readonly size?: number;
      readonly version?: Version;
      /** LANGID, for instance 1033. */
      readonly language?: number;
    }
  | {
      readonly op: 'b.FileVersion' | 'b.FileVersionPrependRegSz';
      readonly file: FileReference;
      readonly comparison: Comparison;
      readonly version: Version;
    }
  | {
      readonly op: 'b.FileSize' | 'b.FileSizePrependRegSz';
      readonly file: FileReference;
      readonly comparison: Comparison;
      /** Bytes. */
      readonly size: number;
    }
  | {
      readonly op: 'b.FileModified' | 'b.FileModifiedPrependRegSz' | 'b.FileCreated' | 'b.FileCreatedPrependRegSz';
      readonly file: FileReference;
      readonly comparison: Comparison;
      /** Milliseconds since 1970. */
      readonly time: number;
    };

export type SystemRule =
  | {
      readonly op: 'b.WindowsVersion';
      readonly comparison: Comparison;
      readonly major?: number;
      readonly minor?: number;
      readonly build?: number;
      readonly servicePackMajor?: number;
      readonly servicePackMinor?: number;
      /** 1 workstation, 2 domain controller, 3 server. */
      readonly productType?: number;
      readonly suiteMask?: number;
      readonly allSuites: boolean;
    }
  | {
      readonly op: 'b.Processor';
      /** As SYSTEM_INFO says it: 0 x86, 5 ARM, 6 IA64, 9 AMD64, 12 ARM64. */
      readonly architecture: number;
      readonly level?: number;
      readonly revision?: number;
    }
  | { readonly op: 'b.Platform'; readonly platform: string }
  | { readonly op: 'b.WindowsLanguage' | 'b.MuiLanguageInstalled'; readonly language: string }
  | { readonly op: 'b.MuiInstalled' }
  | {
      readonly op: 'b.SystemMetric';
      readonly index: number;
      readonly comparison: Comparison;
      readonly value: number;
    }
  | {
      readonly op: 'b.LicenseDword';
      readonly value: string;
      readonly comparison: Comparison;
      readonly data: number;
    }
  | { readonly op: 'b.WmiQuery'; readonly namespace: string; readonly query: string }
  | {
      readonly op: 'DeviceAttribute';
      readonly name: string;
      readonly type: 'String' | 'Version';
      readonly comparison: Comparison | StringComparison;
      readonly value: string;
    };

export type PackageRule =
  | { readonly op: 'CbsPackageInstalledByIdentity'; readonly identity: CbsIdentity }
  /** Both speak of the package of the update's own metadata. */
  | { readonly op: 'CbsPackageInstalled' | 'CbsPackageInstallable' }
  | { readonly op: 'ProductReleaseInstalled'; readonly name: string; readonly version: Version }
  | {
      readonly op: 'ProductReleaseVersion';
      readonly name: string;
      readonly comparison: Comparison;
      readonly version: Version;
    }
  | {
      readonly op: 'm.MsiProductInstalled';
      /** GUID, lower case, without braces; as all of Windows Installer's codes here. */
      readonly productCode: string;
      readonly versionMin?: Version;
      readonly versionMax?: Version;
      readonly excludeMin: boolean;
      readonly excludeMax: boolean;
      /** LANGID. */
      readonly language?: number;
    }
  | {
      readonly op: 'm.MsiFeatureInstalledForProduct' | 'm.MsiComponentInstalledForProduct';
      /** Names of features, or component codes. */
      readonly parts: readonly string[];
      readonly products: readonly string[];
      readonly allParts: boolean;
      readonly allProducts: boolean;
    }
  | { readonly op: 'm.MsiPatchInstalledForProduct'; readonly patchCode: string; readonly productCode: string }
  /** These speak of the patch of the update's own metadata. */
  | { readonly op: 'm.MsiPatchInstalled' | 'm.MsiPatchInstallable' | 'm.MsiPatchSuperseded' };

/** An operator that is not evaluated, and one whose attributes make no sense. Both are named in results. */
interface UnreadableRule {
  readonly op: 'unsupported' | 'invalid';
  /** Name in the fragment. */
  readonly name: string;
  readonly reason: string;
}

export type Rule = Logical | Not | Constant | RegistryRule | FileRule | SystemRule | PackageRule | UnreadableRule;

/** Identity of a package of component-based servicing, as `name~token~architecture~language~version` writes it. */
export interface CbsIdentity {
  readonly name: string;
  readonly publicKeyToken: string;
  /** amd64, x86, arm64 … */
  readonly architecture: string;
  /** Empty for neutral. */
  readonly language: string;
  /** Four-part version, for instance `6.1.7601.17514`. */
  readonly version: string;
}

/** A package that must be present (`detect`) for another to be installable. */
export interface CbsParentPackage {
  readonly identity: CbsIdentity;
  /**
   * `EQ` compares the build (third part) for equality; `GE` for at least. Absent when the manifest leaves it out: which of
   * them is meant then is documented nowhere.
   */
  readonly buildCompare?: 'EQ' | 'GE';
  /** The same for the revision (fourth part). */
  readonly revisionCompare?: 'EQ' | 'GE';
  /** What the manifest says of the parent that is not evaluated, for people: `buildCompare is "LE"`. */
  readonly unread?: string;
}

/** What is kept of the manifest of a CBS update: the identity of its package, and what the package needs. */
export interface CbsPackageMetadata {
  readonly identity: CbsIdentity;
  /** For instance `KB5017029`. */
  readonly identifier?: string;
  /** One suffices; empty when the manifest names none. */
  readonly parents: readonly CbsParentPackage[];
  /** Version of the servicing stack that installs it. */
  readonly installerVersion?: Version;
}

/** What is kept of the metadata of a Windows Installer patch. */
export interface MsiPatchMetadata {
  /** Absent when the metadata does not say it. */
  readonly patchCode?: string;
  /** Products that the patch is for. */
  readonly targets: readonly string[];
}

/**
 * Rules of one update. An update is needed when it is not installed, not superseded, and installable (Microsoft, "Update
 * Applicability Rules", bb902473). Bundles have none.
 */
export interface ApplicabilityRules {
  readonly isInstalled?: Rule;
  readonly isSuperseded?: Rule;
  readonly isInstallable?: Rule;
  readonly cbs?: CbsPackageMetadata;
  readonly msiPatch?: MsiPatchMetadata;
}

/** Rules of a publication by its RevisionIds. A `Map` is one. */
export interface RuleLookup {
  get(revisionId: number): ApplicabilityRules | undefined;
}
