import * as z from 'zod/mini';
import { groupName } from './agent/identity.ts';
import { byteCount, guid, kbNumber, machineId, severity, shortText, timestamp } from './primitives.ts';

/** Name of a rule package. */
export const packageName = z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/));

const list = <T extends z.ZodMiniType>(item: T) => z.array(item).check(z.minLength(1), z.maxLength(5000));
const text = shortText.check(z.minLength(1));
/** `UpdateId` or `UpdateId_revision`. */
export const updateName = z
  .string()
  .check(z.regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(_[0-9]{1,9})?$/));
const severityOrNone = z.enum([...severity.options, 'Unspecified']);
/** Up to ten years. */
const seconds = z.int().check(z.minimum(0), z.maximum(3660 * 24 * 3600));

/** See shared/core/rules/model.ts for what each means. */
const conditions = z
  .strictObject({
    kbs: z.exactOptional(list(kbNumber)),
    updates: z.exactOptional(list(updateName)),
    products: z.exactOptional(list(text)),
    classifications: z.exactOptional(list(text)),
    severities: z.exactOptional(list(severityOrNone)),
    title: z.exactOptional(text),
    minAgeSeconds: z.exactOptional(seconds),
    maxAgeSeconds: z.exactOptional(seconds),
    reboots: z.exactOptional(list(z.enum(['never', 'always', 'can']))),
    minBytes: z.exactOptional(byteCount),
    maxBytes: z.exactOptional(byteCount),
  })
  .check(z.refine((when) => Object.keys(when).length > 0, 'a rule names at least one condition'));

const rule = z.strictObject({
  effect: z.enum(['forbid', 'hold', 'allow']),
  when: conditions,
  expiresAt: z.exactOptional(timestamp),
  comment: z.exactOptional(shortText),
});

const waptLists = z.strictObject({
  forbiddenUpdates: z.exactOptional(z.array(updateName).check(z.maxLength(5000))),
  forbiddenKbs: z.exactOptional(z.array(kbNumber).check(z.maxLength(5000))),
  allowedUpdates: z.exactOptional(z.array(updateName).check(z.maxLength(5000))),
  allowedKbs: z.exactOptional(z.array(kbNumber).check(z.maxLength(5000))),
  allowedProducts: z.exactOptional(z.array(text).check(z.maxLength(5000))),
  allowedSeverities: z.exactOptional(z.array(severity).check(z.maxLength(4))),
  allowedClassifications: z.exactOptional(z.array(text).check(z.maxLength(5000))),
});

/**
 * Settings of agents: WAPT's `[waptwua]` options under our names, times in seconds. An agent heeds those that its version
 * knows and says in its report which version that is; docs/rules.md lists which count since when.
 */
const agentSettings = z.strictObject({
  /** Whether this agent installs updates. @default true */
  enabled: z.exactOptional(z.boolean()),
  defaultAllow: z.exactOptional(z.boolean()),
  installDelaySeconds: z.exactOptional(seconds),
  installDelaysBySeverity: z.exactOptional(
    z.strictObject({
      Critical: z.exactOptional(seconds),
      Important: z.exactOptional(seconds),
      Moderate: z.exactOptional(seconds),
      Low: z.exactOptional(seconds),
      Unspecified: z.exactOptional(seconds),
    }),
  ),
  /** Whether hosts may fetch files from Microsoft itself where the repository is away or lacks them. @default as they are set up */
  directDownload: z.exactOptional(z.boolean()),
  /** Whether they ask Microsoft before the repository. @default as they are set up */
  directFirst: z.exactOptional(z.boolean()),
});

/** One package, as an administrator writes it. */
export const rulePackage = z.strictObject({
  name: packageName,
  description: z.exactOptional(shortText),
  priority: z.int().check(z.minimum(-1000), z.maximum(1000)),
  rules: z.array(rule).check(z.maxLength(10_000)),
  wapt: z.exactOptional(waptLists),
  settings: z.exactOptional(agentSettings),
});
export type RulePackageDocument = z.infer<typeof rulePackage>;

/** Which packages count where. A host has those of its group and its own. */
export const assignments = z.strictObject({
  groups: z.record(groupName, z.array(packageName).check(z.maxLength(100))),
  hosts: z.record(machineId, z.array(packageName).check(z.maxLength(100))),
  /** Hosts that are in another group than the one that their enrolment pinned. */
  moved: z.exactOptional(z.record(machineId, groupName)),
});
export type Assignments = z.infer<typeof assignments>;

/** What an administrator writes: all packages, and where they count. */
export const ruleBook = z.strictObject({ packages: z.array(rulePackage).check(z.maxLength(500)), assignments }).check(
  z.refine(
    ({ packages }) => new Set(packages.map(({ name }) => name)).size === packages.length,
    'each package has a name of its own',
  ),
  z.refine(({ packages, assignments: { groups, hosts } }) => {
    const names = new Set(packages.map(({ name }) => name));
    return [...Object.values(groups), ...Object.values(hosts)].flat().every((name) => names.has(name));
  }, 'only packages that are there can be assigned'),
);
export type RuleBook = z.infer<typeof ruleBook>;

/** The book as stored and served; `revision` grows with each change, 0 is the empty book (nothing allowed). */
export const rulesDocument = z.object({
  version: z.literal(2),
  revision: z.int().check(z.nonnegative()),
  changedAt: z.optional(timestamp),
  /** Name of the person; absent of revision 0, and of those that were written before it was kept here. */
  changedBy: z.optional(z.string()),
  /** Why this revision was written, in the words of who did. */
  comment: z.optional(shortText),
  book: ruleBook,
  /** Metadata of the role `rules` that was signed for this revision; whoever reads it proves it by the root that is pinned. */
  signed: z.optional(z.string()),
});
export type RulesDocument = z.infer<typeof rulesDocument>;

/** A change: refused with `conflict` when `expectedRevision` is not the stored one. */
export const rulesChange = z.object({
  version: z.literal(2),
  expectedRevision: z.int(),
  /** For people; stays with the revision. */
  comment: z.optional(shortText),
  book: ruleBook,
  /**
   * Metadata of the role `rules` for this book and the next revision, signed by an administrator. Must be there once the
   * repository has a root: hosts believe nothing else.
   */
  signed: z.optional(z.string().check(z.maxLength(512_000))),
});
export type RulesChange = z.infer<typeof rulesChange>;

/** What holds before anybody wrote rules. */
export const noRules: RulesDocument = {
  version: 2,
  revision: 0,
  book: { packages: [], assignments: { groups: {}, hosts: {} } },
};

/** Packages as hosts read them: an agent leaves out settings that are newer than itself; of conditions it must know every one. */
export const hostPackages = z.array(
  z.extend(rulePackage, { settings: z.exactOptional(z.object(agentSettings.shape)) }),
);

/** What counts on one host: the packages that are assigned to its group or to itself. */
export const hostRules = z.object({
  version: z.literal(2),
  revision: z.int().check(z.nonnegative()),
  packages: hostPackages,
});
export type HostRules = z.infer<typeof hostRules>;

/** The group that a host is in: the one that its enrolment pinned, unless the book moves it. */
export const groupOf = (
  { assignments: { moved = {} } }: RuleBook,
  host: { readonly machineId: string; readonly group: string },
): string => (Object.hasOwn(moved, host.machineId) ? (moved[host.machineId] ?? host.group) : host.group);

/** The part of a book that counts on a host. Packages that are assigned twice count once. */
export function rulesOfHost(
  { revision, book }: RulesDocument,
  host: { readonly machineId: string; readonly group: string },
): HostRules {
  const { packages, assignments: assigned } = book;
  // Of the lists' own members only: a host may well be called "constructor".
  const own = (lists: Readonly<Record<string, readonly string[]>>, name: string) =>
    Object.hasOwn(lists, name) ? (lists[name] ?? []) : [];
  const names = new Set([...own(assigned.groups, groupOf(book, host)), ...own(assigned.hosts, host.machineId)]);
  return { version: 2, revision, packages: packages.filter(({ name }) => names.has(name)) };
}

/** When UpdateIds were first published, in whichever revision: what a delay is counted from. */
export const updateLookup = z.object({
  version: z.literal(1),
  updateIds: z.array(guid).check(z.minLength(1), z.maxLength(500)),
});
export const updateLookupAnswer = z.object({
  version: z.literal(1),
  /** Updates that no publication had are left out. */
  updates: z.array(z.object({ updateId: guid, firstPublishedAt: timestamp })),
});
export type UpdateLookupAnswer = z.infer<typeof updateLookupAnswer>;
