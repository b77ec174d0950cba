import type { Severity } from '../catalog/model.ts';

/**
 * What an administrator allows. This first version has WAPT's KB lists and severities; `defaultAllow` decides what no
 * list mentions.
 */
export interface RuleSet {
  readonly defaultAllow: boolean;
  /** KB numbers, digits only. */
  readonly allowedKbs: readonly string[];
  readonly forbiddenKbs: readonly string[];
  readonly allowedSeverities: readonly Severity[];
}

/** What a rule can look at. */
export interface Judged {
  readonly kbs: readonly string[];
  readonly severity?: Severity | undefined;
}

type VerdictCode = 'forbidden-kb' | 'allowed-kb' | 'allowed-severity' | 'default-allow' | 'default-deny';

/** A decision and why, so that no update is ever skipped without a reason. */
export interface Verdict {
  readonly allowed: boolean;
  readonly code: VerdictCode;
  /** One sentence for people, for instance `KB5001 is forbidden`. */
  readonly reason: string;
}
