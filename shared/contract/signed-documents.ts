/**
 * Documents that are targets of the signed repository: what agents believe of rules, groups and held files. Each is written
 * as canonical JSON, so that its bytes, and with them its digest, follow from its value.
 */
import * as z from 'zod/mini';
import { groupName } from './agent/identity.ts';
import { byteCount, machineId, sha1, sha256, timestamp } from './primitives.ts';
import { type Assignments, hostPackages, type RuleBook, ruleBook } from './rules.ts';

/** `rules/groups/<group>.json`: the packages that count on all hosts of a group. */
export const groupRules = z.object({ version: z.literal(1), group: groupName, packages: hostPackages });

/** What is signed about single hosts: their own packages, and the group of those that were moved. */
const hostAssignment = z.object({ group: z.exactOptional(groupName), packages: z.exactOptional(hostPackages) });
type HostAssignment = z.infer<typeof hostAssignment>;

/** `rules/hosts/<bin>.json`: the hosts of one bin that anything is signed about. */
export const hostAssignments = z.object({ version: z.literal(1), hosts: z.record(machineId, hostAssignment) });

/** `rules/book.json`: the whole book, for administrators; agents never read it. */
export const signedBook = z.object({ version: z.literal(1), book: ruleBook });

/** `catalog/<group>.json`: files that the repository holds and that hosts of the group need. */
export const groupCatalog = z.object({
  version: z.literal(1),
  group: groupName,
  files: z.array(z.object({ sha1, sha256, size: byteCount })),
});

/** `custom` of the target `index/wsusscn2.cab`, whose length and digest are those of the index itself. */
export const indexFacts = z.object({
  publishedAt: timestamp,
  /** `CreationDate` of package.xml. */
  createdAt: z.optional(z.string()),
});

/** Paths of targets. */
export const targetPaths = {
  book: 'rules/book.json',
  groupRules: (group: string): string => `rules/groups/${group}.json`,
  hostAssignments: (bin: string): string => `rules/hosts/${bin}.json`,
  index: 'index/wsusscn2.cab',
  groupCatalog: (group: string): string => `catalog/${group}.json`,
} as const;

/** Version of the role `rules` that belongs to a revision of the book: TUF counts from 1, and books from 0. */
export const rulesVersionOf = (revision: number): number => revision + 1;
/** The inverse of {@link rulesVersionOf}. */
export const revisionOfRules = (version: number): number => version - 1;

/** Hosts are divided by the first hex digit of the SHA-256 of their machine id: sixteen bins. */
export const hostBinOf = (sha256OfMachineId: string): string => sha256OfMachineId.slice(0, 1);

/**
 * Most groups that rules or catalogues are signed for: a TUF client's work grows with the square of the targets of one role,
 * and no role shall have 500 (measured: 5,000 in one role took 46 s of CPU).
 */
export const maxSignedGroups = 480;

/**
 * Documents of the role `rules` that follow from a book, by path.
 *
 * @param binOf bin of a machine id, as {@link hostBinOf} of its SHA-256 (which needs more than this room may import)
 * @throws RangeError for more than {@link maxSignedGroups} groups
 */
export function documentsOfBook(book: RuleBook, binOf: (machineId: string) => string): ReadonlyMap<string, unknown> {
  const groups = Object.entries(book.assignments.groups).filter(([, names]) => names.length > 0);
  if (groups.length > maxSignedGroups)
    throw new RangeError(`packages are assigned to ${groups.length} groups, at most ${maxSignedGroups} can be signed`);
  const packagesOf = (names: readonly string[]) => book.packages.filter(({ name }) => names.includes(name));
  const documents = new Map<string, unknown>([[targetPaths.book, { version: 1, book }]]);
  for (const [group, names] of groups)
    documents.set(targetPaths.groupRules(group), { version: 1, group, packages: packagesOf(names) });
  const bins = new Map<string, Record<string, HostAssignment>>();
  for (const [machine, assignment] of assignmentsOfHosts(book.assignments, packagesOf)) {
    const bin = binOf(machine);
    bins.set(bin, { ...bins.get(bin), [machine]: assignment });
  }
  for (const [bin, hosts] of bins) documents.set(targetPaths.hostAssignments(bin), { version: 1, hosts });
  return documents;
}

function assignmentsOfHosts(
  { hosts, moved = {} }: Assignments,
  packagesOf: (names: readonly string[]) => HostAssignment['packages'] & object,
): ReadonlyMap<string, HostAssignment> {
  const assigned = new Map<string, HostAssignment>();
  for (const [machine, group] of Object.entries(moved)) assigned.set(machine, { group });
  for (const [machine, names] of Object.entries(hosts))
    if (names.length > 0) assigned.set(machine, { ...assigned.get(machine), packages: packagesOf(names) });
  return assigned;
}
