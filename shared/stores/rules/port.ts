import type { RulesDocument } from '../../contract/rules.ts';

export interface RuleStore {
  /** The rules in force; the built-in default before anybody wrote some. @throws StoreError `corrupt` */
  get(): Promise<RulesDocument>;
  /** Writes revision n + 1. @throws StoreError `conflict` when the stored revision is not `expectedRevision`. */
  put(rules: Omit<RulesDocument, 'revision'>, expectedRevision: number): Promise<RulesDocument>;
}
