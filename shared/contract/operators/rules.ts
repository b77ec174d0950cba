import * as z from 'zod/mini';
import { updateStates } from '../../core/status/states.ts';
import { groupName } from '../agent/identity.ts';
import { guid, kbNumber, machineId, shortText, timestamp } from '../primitives.ts';
import { packageName, ruleBook, rulesDocument } from '../rules.ts';

const verdict = z.object({
  allowed: z.boolean(),
  code: z.enum(['forbidden', 'held', 'allowed', 'servicing-stack', 'delayed', 'default-allow', 'default-deny']),
  reason: z.string(),
  by: z.optional(z.object({ package: packageName, rule: z.union([z.int(), z.enum(['wapt', 'settings'])]) })),
  until: z.optional(timestamp),
});

/** Why nothing is installed on a host whatever is allowed (`enabled: false`); absent when that is not so. */
const switchedOff = z.optional(z.string());

/** Each step of the order that was looked at, and what it said; the first that decides is the verdict. */
const step = z.object({
  /** For instance `forbid`, `hold`, `allow`, `servicing stack`, `delay`, `default`. */
  step: z.string(),
  decided: z.boolean(),
  /** In words: which rule of which package matched by which condition, or that none did. */
  said: z.string(),
});

/** Why an update is allowed on a host, or not. */
export const explanation = z.object({
  version: z.literal(1),
  machineId,
  group: groupName,
  /** Revision of the rules, and the packages that count on this host in their order. */
  revision: z.int(),
  packages: z.array(packageName),
  switchedOff,
  updates: z.array(
    z.object({
      updateId: guid,
      revision: z.int(),
      kbs: z.array(kbNumber),
      title: z.optional(z.string()),
      /** As in the index, which may spell it in its own way. */
      firstPublishedAt: z.string(),
      /** When a publication first lacked it: no host finds it any more. Absent while it is in the index. */
      withdrawnAt: z.optional(timestamp),
      verdict,
      steps: z.array(step),
      /** What the host last reported of it, by the rules that it had then; absent when it did not. */
      reported: z.optional(z.object({ state: z.enum(updateStates), reason: z.string() })),
    }),
  ),
  /** What the host reported and the catalogue has no facts of: rules cannot look at it. Absent when there is none. */
  unknown: z.optional(z.array(z.object({ updateId: guid, revision: z.int(), kbs: z.array(kbNumber) }))),
  /** Updates that were asked for over all, those of `unknown` among them; absent when all are here. */
  total: z.optional(z.int()),
});
export type Explanation = z.infer<typeof explanation>;

const verdictOnHosts = z.extend(verdict, { switchedOff });
export type VerdictOnHosts = z.infer<typeof verdictOnHosts>;

/** What a change of the rules would do, before it is made. */
export const impactQuestion = z.object({ version: z.literal(2), book: ruleBook });

export const impact = z.object({
  version: z.literal(1),
  asOf: timestamp,
  ageSeconds: z.number(),
  /** Revision that it is compared with. */
  revision: z.int(),
  /**
   * Updates whose verdict changes on some host that reported to need them, or that such a host begins or ceases to install
   * because it is switched on or off: most hosts first, at most 500.
   */
  changes: z.array(
    z.object({
      updateId: guid,
      kbs: z.array(kbNumber),
      title: z.optional(z.string()),
      group: groupName,
      /** The host, where packages of its own count beside those of its group: such a host counts by itself. */
      machineId: z.optional(machineId),
      /** Hosts of the group that need it, without those that have packages of their own. */
      hosts: z.int(),
      before: verdictOnHosts,
      after: verdictOnHosts,
    }),
  ),
  /** Hosts that at least one change touches. */
  hosts: z.int(),
  /** Changes over all; more than the list when it was cut. */
  total: z.int(),
  /** Updates that hosts need and the catalogue has no facts of: they are not judged. Absent when there are none. */
  unknown: z.optional(z.int()),
});
export type Impact = z.infer<typeof impact>;

/** Earlier books. */
export const rulesHistory = z.object({
  version: z.literal(1),
  /** The newest first. */
  revisions: z.array(
    z.object({
      revision: z.int(),
      changedAt: timestamp,
      changedBy: z.string(),
      comment: z.optional(shortText),
    }),
  ),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});
export const rulesRevision = rulesDocument;
