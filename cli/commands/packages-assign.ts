import type { PackageAssignments } from '#shared/contract/packages.ts';
import { packageRef } from '#shared/core/packages/model.ts';
import { CliError } from '../cli-error.ts';
import type { ExitCode } from '../io.ts';
import { changePackages, type PackageFlags } from '../packages/publish.ts';
import { readPackageRef } from '../packages/refs.ts';
import { type Places, placesOf } from '../rules/book.ts';
import type { CommandContext } from './context.ts';
import { requireSigned } from './packages.ts';
import { wordsOf } from './rules.ts';
import { findPlaces, nameGroupsWithoutHosts, readPlaces } from './rules-change.ts';

/** Where a package is for: groups and hosts, at least one. */
export interface PackagePlaces extends PackageFlags {
  readonly group?: readonly string[];
  /** Machine ids or hostnames. */
  readonly host?: readonly string[];
}

/**
 * `kbroker packages assign NAME/VERSION --group G`: lets hosts have a package. It takes the place of another version of it there.
 *
 * @throws CliError `usage` before anything is sent; `not-found` when there is no such package or host
 */
export async function assignPackage(context: CommandContext, ref: string, flags: PackagePlaces): Promise<ExitCode> {
  const wanted = readPackageRef(ref);
  const places = readPlaces(flags);
  const question = `Let hosts of ${wordsOf(places)} run ${packageRef(wanted)}?`;
  return changePackages(context, flags, question, async (state) => {
    requireSigned(state, wanted);
    const found = await findPlaces(context, places, {});
    await nameGroupsWithoutHosts(context, packageRef(wanted), found.groups);
    const isOther = (one: string): boolean => one.split('/')[0] === wanted.name;
    const assignments = changed(state.assignments, found, (refs) => [
      ...refs.filter((one) => !isOther(one)),
      packageRef(wanted),
    ]);
    return {
      next: { ...state, assignments },
      manifests: [],
      said: [`${packageRef(wanted)} is assigned to ${wordsOf(found)}`],
    };
  });
}

/**
 * `kbroker packages unassign NAME/VERSION --group G`: hosts there have it no more. What it installed stays.
 *
 * @throws CliError `usage` before anything is sent; `refused` when it is not assigned there
 */
export async function unassignPackage(context: CommandContext, ref: string, flags: PackagePlaces): Promise<ExitCode> {
  const wanted = packageRef(readPackageRef(ref));
  const places = readPlaces(flags);
  return changePackages(context, flags, `Take ${wanted} away from ${wordsOf(places)}?`, async (state) => {
    const has = placesOf(state.assignments, wanted);
    const found = await findPlaces(context, places, has);
    const missing = {
      groups: found.groups.filter((group) => !has.groups.includes(group)),
      hosts: found.hosts.filter((host) => !has.hosts.includes(host)),
    };
    if (missing.groups.length + missing.hosts.length > 0)
      throw new CliError('refused', `${wanted} is not assigned to ${wordsOf(missing)}, but to ${wordsOf(has)}`);
    return {
      next: { ...state, assignments: without(state.assignments, wanted, found) },
      manifests: [],
      said: [`${wanted} is not assigned to ${wordsOf(found)} any more`],
    };
  });
}

/**
 * `kbroker packages remove NAME/VERSION`: takes a package away, wherever it is assigned. Its files are cleaned away later.
 *
 * @throws CliError `usage` before anything is sent; `not-found`
 */
export async function removePackage(context: CommandContext, ref: string, flags: PackageFlags): Promise<ExitCode> {
  const wanted = readPackageRef(ref);
  const name = packageRef(wanted);
  return changePackages(context, flags, `Remove ${name}, wherever it is assigned?`, (state) => {
    const { [requireSigned(state, wanted)]: _, ...manifests } = state.manifests;
    const places = placesOf(state.assignments, name);
    return {
      next: { manifests, assignments: without(state.assignments, name, places) },
      manifests: [],
      said: [`${name} is removed; it was assigned to ${wordsOf(places)}`],
    };
  });
}

const without = (assignments: PackageAssignments, ref: string, places: Places): PackageAssignments =>
  changed(assignments, places, (refs) => refs.filter((one) => one !== ref));

function changed(
  { groups, hosts }: PackageAssignments,
  places: Places,
  change: (refs: readonly string[]) => readonly string[],
): PackageAssignments {
  const apply = (lists: Readonly<Record<string, readonly string[]>>, names: readonly string[]) => {
    const all = new Map(Object.entries(lists));
    for (const name of names) all.set(name, change(all.get(name) ?? []));
    return Object.fromEntries(
      [...all]
        .map(([name, refs]): [string, string[]] => [name, [...new Set(refs)].toSorted()])
        .filter(([, refs]) => refs.length > 0)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  };
  return { groups: apply(groups, places.groups), hosts: apply(hosts, places.hosts) };
}
