import type { RuleBook } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import {
  packageOf,
  placesOf,
  requirePackage,
  withAssigned,
  withoutPackage,
  withPackages,
  withUnassigned,
} from './book.ts';

/** A package and its draft, which rings try before it takes the package's place. */
const draftOf = (name: string): string => `${name}.next`;

export interface Promoted {
  readonly book: RuleBook;
  /** What happens, in words. */
  readonly said: readonly string[];
}

/**
 * Gives the group `to` what the group `from` has of a package: the package itself, or its draft `NAME.next` in its place.
 * No other group's rules change by it. When nobody has the old package any more, the draft takes its name.
 *
 * @throws CliError `not-found` when there is no such package; `refused` when `from` has neither or both
 */
export function promote(book: RuleBook, name: string, from: string, to: string): Promoted {
  const draft = draftOf(name);
  if (packageOf(book, draft) === undefined) requirePackage(book, name);
  const had = book.assignments.groups[from] ?? [];
  const [hasPackage, hasDraft] = [had.includes(name), had.includes(draft)];
  if (hasPackage && hasDraft)
    throw new CliError(
      'refused',
      `group ${from} has both ${name} and ${draft}: unassign the one that is not to be promoted`,
    );
  if (!hasPackage && !hasDraft) throw new CliError('refused', `group ${from} has neither ${name} nor ${draft}`);
  const [given, taken] = hasDraft ? [draft, name] : [name, draft];
  const place = { groups: [to], hosts: [] };
  const isReplaced = (book.assignments.groups[to] ?? []).includes(taken);
  const moved = withAssigned(withUnassigned(book, taken, place), given, place);
  const said = [`group ${to} gets ${given}${isReplaced ? ` in the place of ${taken}` : ''}`];
  return hasDraft && isUnused(moved, name) ? takeName(moved, name, draft, said) : { book: moved, said };
}

function isUnused({ assignments }: RuleBook, name: string): boolean {
  const { groups, hosts } = placesOf(assignments, name);
  return groups.length + hosts.length === 0;
}

function takeName(book: RuleBook, name: string, draft: string, said: readonly string[]): Promoted {
  const content = requirePackage(book, draft);
  const places = placesOf(book.assignments, draft);
  const renamed = withAssigned(withPackages(withoutPackage(book, draft), [{ ...content, name }]), name, places);
  return { book: renamed, said: [...said, `nobody has the old ${name} any more: ${draft} becomes ${name}`] };
}
