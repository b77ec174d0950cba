import { canonicalJson } from '#shared/contract/canonical-json.ts';
import type { Assignments, RuleBook, RulePackageDocument } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';

/** Changes of a book. Each gives a new one, in one order whatever the way to it: names and groups sorted, no empty list. */

/** Groups or hosts that packages are assigned to. */
export interface Places {
  readonly groups: readonly string[];
  /** Machine ids. */
  readonly hosts: readonly string[];
}

/**
 * Whether two books say the same. Neither the order of packages nor a list that is empty says anything; the order of rules
 * does.
 */
export const isSameBook = (a: RuleBook, b: RuleBook): boolean =>
  canonicalJson(inOrder(a)) === canonicalJson(inOrder(b));

const inOrder = ({ packages, assignments: { groups, hosts, moved } }: RuleBook): RuleBook => ({
  packages: sorted(packages),
  assignments: {
    groups: changed(groups, Object.keys(groups), same),
    hosts: changed(hosts, Object.keys(hosts), same),
    ...(Object.keys(moved ?? {}).length > 0 && { moved }),
  },
});
const same = (names: readonly string[]): readonly string[] => names;

export const packageOf = (book: RuleBook, name: string): RulePackageDocument | undefined =>
  book.packages.find((one) => one.name === name);

/** @throws CliError `not-found` */
export function requirePackage(book: RuleBook, name: string): RulePackageDocument {
  const found = packageOf(book, name);
  if (found !== undefined) return found;
  const names = book.packages.map((one) => one.name).join(', ');
  throw new CliError(
    'not-found',
    `there is no package ${name}${names === '' ? ', nor any other' : `; there are ${names}`}`,
  );
}

/** Where a package is assigned. */
export function placesOf({ groups, hosts }: Pick<Assignments, 'groups' | 'hosts'>, name: string): Places {
  const having = (lists: Readonly<Record<string, readonly string[]>>): string[] =>
    Object.entries(lists).flatMap(([place, names]) => (names.includes(name) ? place : []));
  return { groups: having(groups), hosts: having(hosts) };
}

/** A package by its name: in the place of the one that has it, or new. */
export function withPackages({ packages, assignments }: RuleBook, added: readonly RulePackageDocument[]): RuleBook {
  const names = new Set(added.map(({ name }) => name));
  return { packages: sorted([...packages.filter(({ name }) => !names.has(name)), ...added]), assignments };
}

/** Without a package, wherever it was assigned. */
export function withoutPackage({ packages, assignments }: RuleBook, name: string): RuleBook {
  return {
    packages: packages.filter((one) => one.name !== name),
    assignments: unassigned(assignments, name, placesOf(assignments, name)),
  };
}

export const withAssigned = (book: RuleBook, name: string, places: Places): RuleBook => ({
  ...book,
  assignments: {
    ...book.assignments,
    groups: changed(book.assignments.groups, places.groups, (names) => [...names, name]),
    hosts: changed(book.assignments.hosts, places.hosts, (names) => [...names, name]),
  },
});

export const withUnassigned = (book: RuleBook, name: string, places: Places): RuleBook => ({
  ...book,
  assignments: unassigned(book.assignments, name, places),
});

const unassigned = (assignments: Assignments, name: string, places: Places): Assignments => {
  const without = (names: readonly string[]): string[] => names.filter((one) => one !== name);
  return {
    ...assignments,
    groups: changed(assignments.groups, places.groups, without),
    hosts: changed(assignments.hosts, places.hosts, without),
  };
};

/** A host in another group than its enrolment says; `undefined`: back in that one. */
export function withMoved({ packages, assignments }: RuleBook, machine: string, group: string | undefined): RuleBook {
  const { moved = {}, ...rest } = assignments;
  const others = Object.entries(moved).filter(([host]) => host !== machine);
  const all = [...others, ...(group === undefined ? [] : [[machine, group] as const])];
  const sortedHosts = Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { packages, assignments: { ...rest, ...(all.length > 0 && { moved: sortedHosts }) } };
}

type Lists = Readonly<Record<string, readonly string[]>>;

function changed(
  lists: Lists,
  places: readonly string[],
  change: (names: readonly string[]) => readonly string[],
): Record<string, string[]> {
  const all = new Map<string, readonly string[]>(Object.entries(lists));
  for (const place of places) all.set(place, change(all.get(place) ?? []));
  return Object.fromEntries(
    [...all]
      .map(([place, names]): [string, string[]] => [place, [...new Set(names)].toSorted()])
      .filter(([, names]) => names.length > 0)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const sorted = (packages: readonly RulePackageDocument[]): RulePackageDocument[] =>
  packages.toSorted((a, b) => (a.name < b.name ? -1 : 1));
