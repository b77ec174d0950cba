import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RulePackageDocument } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import { readGroupName, readHostName } from '../ids.ts';
import type { ExitCode } from '../io.ts';
import {
  type Places,
  packageOf,
  placesOf,
  requirePackage,
  withAssigned,
  withoutPackage,
  withPackages,
  withUnassigned,
} from '../rules/book.ts';
import { readPackageName } from '../rules/ids.ts';
import { readPackageFiles } from '../rules/package-files.ts';
import { promote } from '../rules/promote.ts';
import { changeRules, type PublishFlags } from '../rules/publish.ts';
import type { CommandContext } from './context.ts';
import { findHost } from './find-host.ts';
import { wordsOf } from './rules.ts';

/**
 * `kbroker rules put FILE…`: new packages, and new contents of those that are there. Assignments stay.
 *
 * @throws CliError `usage` with all faults of the files on stderr, before anything is sent
 */
export async function putRules(
  context: CommandContext,
  files: readonly string[],
  flags: PublishFlags,
): Promise<ExitCode> {
  const packages = await readPackageFiles(context.io, files);
  nameExpiredRules(context, packages);
  return changeRules(context, flags, ({ book }) => ({
    book: withPackages(book, packages),
    said: packages.map(({ name }) => {
      if (packageOf(book, name) === undefined) return `${name} is new, and counts nowhere until it is assigned`;
      return `${name} is written; assigned to ${wordsOf(placesOf(book.assignments, name))}`;
    }),
  }));
}

/** A rule that is over is no fault, since files are kept and put again; but whoever mistyped its date would not find out. */
function nameExpiredRules({ io, now }: CommandContext, packages: readonly RulePackageDocument[]): void {
  for (const { name, rules } of packages)
    for (const [index, { expiresAt }] of rules.entries())
      if (expiresAt !== undefined && Date.parse(expiresAt) <= now().getTime())
        io.stderr.write(`rule ${index + 1} of ${name} expired at ${expiresAt}: it is as if it were not there\n`);
}

/**
 * `kbroker rules remove NAME`: takes a package away, wherever it is assigned.
 *
 * @throws CliError `usage` before anything is sent; `not-found` when there is none
 */
export async function removeRules(context: CommandContext, name: string, flags: PublishFlags): Promise<ExitCode> {
  const wanted = readPackageName(name);
  return changeRules(context, flags, ({ book }) => {
    requirePackage(book, wanted);
    const places = placesOf(book.assignments, wanted);
    return {
      book: withoutPackage(book, wanted),
      said: [`${wanted} is removed; it was assigned to ${wordsOf(places)}`],
    };
  });
}

/** Where a package counts: groups and hosts, at least one. */
export interface PlaceFlags extends PublishFlags {
  readonly group?: readonly string[];
  /** Machine ids or hostnames. */
  readonly host?: readonly string[];
}

/**
 * `kbroker rules assign NAME --group G`: lets a package count there. A host has the packages of its group and its own.
 *
 * @throws CliError `usage` before anything is sent; `not-found` when there is no such package or host
 */
export async function assignRules(context: CommandContext, name: string, flags: PlaceFlags): Promise<ExitCode> {
  const wanted = readPackageName(name);
  const places = readPlaces(flags);
  return changeRules(context, flags, async ({ book }) => {
    requirePackage(book, wanted);
    const found = await findPlaces(context, places, {});
    if (flags.impact !== false) await nameGroupsWithoutHosts(context, wanted, found.groups);
    return { book: withAssigned(book, wanted, found), said: [`${wanted} is assigned to ${wordsOf(found)}`] };
  });
}

/**
 * `kbroker rules unassign NAME --group G`: lets a package count there no more; it stays.
 *
 * @throws CliError `usage` before anything is sent; `not-found` when there is no such package or host, `refused` when it
 *   is not assigned there
 */
export async function unassignRules(context: CommandContext, name: string, flags: PlaceFlags): Promise<ExitCode> {
  const wanted = readPackageName(name);
  const places = readPlaces(flags);
  return changeRules(context, flags, async ({ book }) => {
    requirePackage(book, wanted);
    const has = placesOf(book.assignments, wanted);
    const found = await findPlaces(context, places, has);
    const missing = {
      groups: found.groups.filter((group) => !has.groups.includes(group)),
      hosts: found.hosts.filter((host) => !has.hosts.includes(host)),
    };
    if (missing.groups.length + missing.hosts.length > 0)
      throw new CliError('refused', `${wanted} is not assigned to ${wordsOf(missing)}, but to ${wordsOf(has)}`);
    return {
      book: withUnassigned(book, wanted, found),
      said: [`${wanted} is not assigned to ${wordsOf(found)} any more`],
    };
  });
}

/** @throws CliError `usage` when nothing is named */
export function readPlaces({ group = [], host = [] }: Pick<PlaceFlags, 'group' | 'host'>): Places {
  if (group.length + host.length === 0)
    throw new CliError('usage', 'where is it for: name at least one of --group, --host');
  return { groups: group.map(readGroupName), hosts: host.map(readHostName) };
}

/** Hosts by their ids. Those that are assigned by what was typed need not be there any more. */
export async function findPlaces(
  context: CommandContext,
  { groups, hosts }: Places,
  { hosts: known = [] }: Partial<Places>,
): Promise<Places> {
  const found: string[] = [];
  for (const name of hosts) found.push(known.includes(name) ? name : (await findHost(context, name)).summary.machineId);
  return { groups, hosts: found };
}

/** A group need not have hosts yet, but one that has none may be mistyped: its hosts would never get the package. */
export async function nameGroupsWithoutHosts(
  context: CommandContext,
  name: string,
  groups: readonly string[],
): Promise<void> {
  if (groups.length === 0) return;
  const { groups: rows } = await context.call(operatorEndpoints.listGroups);
  const known = rows.flatMap(({ group, hosts }) => (hosts > 0 ? [group] : []));
  const empty = groups.filter((group) => !known.includes(group));
  if (empty.length === 0) return;
  const others = known.length === 0 ? 'no group has hosts yet' : `groups with hosts are ${known.join(', ')}`;
  context.io.stderr.write(`no host is in ${empty.join(', ')}, and ${name} counts on none there; ${others}\n`);
}

export interface PromoteFlags extends PublishFlags {
  readonly from: string;
  readonly to: string;
}

/**
 * `kbroker rules promote NAME --from RING --to RING`: see {@link promote}.
 *
 * @throws CliError `usage` before anything is sent; `not-found` or `refused` when there is nothing to promote
 */
export async function promoteRules(context: CommandContext, name: string, flags: PromoteFlags): Promise<ExitCode> {
  const wanted = readPackageName(name);
  const from = readGroupName(flags.from);
  const to = readGroupName(flags.to);
  if (from === to) throw new CliError('usage', `--from and --to are the same group ${from}`);
  return changeRules(context, flags, async ({ book }) => {
    const promoted = promote(book, wanted, from, to);
    if (flags.impact !== false) await nameGroupsWithoutHosts(context, wanted, [to]);
    return promoted;
  });
}
