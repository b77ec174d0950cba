import type { RebootBehavior, Severity, UpdateIdentity } from '../catalog/model.ts';

/** What a rule does. In doubt the first counts: forbid before hold before allow. */
export type Effect = 'forbid' | 'hold' | 'allow';

/**
 * What an update must be for a rule to match. All that is named must hold; of a list one is enough. At least one thing is
 * named.
 */
export interface Conditions {
  /** Digits only. One of the update's KB numbers is in it. */
  readonly kbs?: readonly string[];
  /** `UpdateId`, or `UpdateId_revision` for that revision alone; lower case. */
  readonly updates?: readonly string[];
  /** Title or id of a product, in any case. */
  readonly products?: readonly string[];
  /** Title or id of a classification, in any case. */
  readonly classifications?: readonly string[];
  /** `Unspecified`: the index gives none. */
  readonly severities?: readonly (Severity | 'Unspecified')[];
  /** Pattern of the whole title, in any case; `*` stands for any text and `?` for one character. */
  readonly title?: string;
  /** Age since the first publication of the UpdateId. Seconds. */
  readonly minAgeSeconds?: number;
  readonly maxAgeSeconds?: number;
  readonly reboots?: readonly RebootBehavior[];
  /** Sum of the sizes of its files. An update of unknown size matches neither. */
  readonly minBytes?: number;
  readonly maxBytes?: number;
}

export interface Rule {
  readonly effect: Effect;
  readonly when: Conditions;
  /** From then on the rule is as if it were not there. ISO 8601. */
  readonly expiresAt?: string;
  /** For people. */
  readonly comment?: string;
}

/** WAPT's lists, with WAPT's meaning: within them the first of its own order matches (windows-updates, section 1). */
export interface WaptLists {
  readonly forbiddenUpdates?: readonly string[];
  readonly forbiddenKbs?: readonly string[];
  readonly allowedUpdates?: readonly string[];
  readonly allowedKbs?: readonly string[];
  readonly allowedProducts?: readonly string[];
  readonly allowedSeverities?: readonly Severity[];
  readonly allowedClassifications?: readonly string[];
}

/** Settings that decide about updates. Of several packages the one with the highest priority counts, then the first by name. */
interface JudgementSettings {
  /** False: whatever is allowed, nothing is installed. Not set is as true. No verdict changes by it. */
  readonly enabled?: boolean;
  /** For an update that no rule mentions. */
  readonly defaultAllow?: boolean;
  /** An allowed update waits so long after the first publication of its UpdateId. Seconds. */
  readonly installDelaySeconds?: number;
  /** The same by severity; before {@link installDelaySeconds}. */
  readonly installDelaysBySeverity?: Readonly<Partial<Record<Severity | 'Unspecified', number>>>;
}

/** Settings that decide where hosts get files from; merged as those that decide about updates. */
interface SourceSettings {
  /** Microsoft itself, where the repository is away or lacks them. */
  readonly directDownload?: boolean;
  /** Microsoft before the repository. */
  readonly directFirst?: boolean;
}

/** A named document of an administrator. */
export interface RulePackage {
  readonly name: string;
  /** The higher one counts first. */
  readonly priority: number;
  readonly rules: readonly Rule[];
  readonly wapt?: WaptLists;
  readonly settings?: JudgementSettings & SourceSettings;
}

/** What rules can look at. */
export interface Judged extends UpdateIdentity {
  readonly kbs: readonly string[];
  readonly title?: string | undefined;
  readonly severity?: Severity | undefined;
  /** Id and title of each; a title may be missing. */
  readonly products: readonly CategoryName[];
  readonly classification?: CategoryName | undefined;
  readonly reboot?: RebootBehavior | undefined;
  readonly bytes?: number | undefined;
  /** First publication of its UpdateId, in whichever revision. ISO 8601. */
  readonly firstPublishedAt: string;
}

export interface CategoryName {
  readonly id: string;
  readonly title?: string;
}

/** Where in the order a verdict was found. */
export type VerdictCode =
  | 'forbidden'
  | 'held'
  | 'allowed'
  | 'servicing-stack'
  | 'delayed'
  | 'default-allow'
  | 'default-deny';

/** A decision and why, so that no update is ever skipped without a reason. */
export interface Verdict {
  readonly allowed: boolean;
  readonly code: VerdictCode;
  /**
   * One sentence for people, of less than 900 characters: the rule, its package and the condition that matched, for instance
   * `forbidden by rule 2 of "pilot": product Windows 10; comment: see ticket 17`.
   */
  readonly reason: string;
  /** Of what a package said: its name, and the rule's place in it from 1; `wapt` for a list of WAPT's. */
  readonly by?: { readonly package: string; readonly rule: number | 'wapt' | 'settings' };
  /**
   * The first moment at which the passing of time alone (a delay, a rule's expiry, an age that a rule names) leads to another
   * {@link code}. ISO 8601; absent: never.
   */
  readonly until?: string;
}
