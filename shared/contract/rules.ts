import * as z from 'zod/mini';
import { kbNumber, severity, timestamp } from './primitives.ts';

/** What an administrator writes. */
export const ruleSet = z.object({
  defaultAllow: z.boolean(),
  allowedKbs: z.array(kbNumber).check(z.maxLength(5000)),
  forbiddenKbs: z.array(kbNumber).check(z.maxLength(5000)),
  allowedSeverities: z.array(severity).check(z.maxLength(4)),
});

/** Rules as stored and served; `revision` grows with each change, 0 is the built-in default (nothing allowed). */
export const rulesDocument = z.extend(ruleSet, {
  version: z.literal(1),
  revision: z.int().check(z.nonnegative()),
  changedAt: z.optional(timestamp),
});
export type RulesDocument = z.infer<typeof rulesDocument>;

/** A change: refused with `conflict` when `expectedRevision` is not the stored one. */
export const rulesChange = z.object({ version: z.literal(1), expectedRevision: z.int(), rules: ruleSet });
export type RulesChange = z.infer<typeof rulesChange>;

/** What holds before anybody wrote rules. */
export const defaultRules: RulesDocument = {
  version: 1,
  revision: 0,
  defaultAllow: false,
  allowedKbs: [],
  forbiddenKbs: [],
  allowedSeverities: [],
};
