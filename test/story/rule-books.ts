import type { Assignments, RuleBook, RulePackageDocument } from '#shared/contract/rules.ts';

/** A package as a story writes it: what it leaves out is empty. */
export type PackageDraft = Pick<RulePackageDocument, 'name'> & Partial<RulePackageDocument>;

/**
 * The book in which these groups, and these hosts, have these packages. One that is named in several places is the same
 * package and is written once.
 */
export function bookOf(
  groups: Readonly<Record<string, readonly PackageDraft[]>>,
  hosts: Readonly<Record<string, readonly PackageDraft[]>> = {},
): RuleBook {
  const packages = new Map<string, RulePackageDocument>();
  for (const draft of [...Object.values(groups), ...Object.values(hosts)].flat())
    packages.set(draft.name, { priority: 0, rules: [], ...draft });
  const namesIn = (places: typeof groups): Assignments['groups'] =>
    Object.fromEntries(Object.entries(places).map(([place, drafts]) => [place, drafts.map(({ name }) => name)]));
  return { packages: [...packages.values()], assignments: { groups: namesIn(groups), hosts: namesIn(hosts) } };
}
