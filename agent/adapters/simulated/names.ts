import * as z from 'zod/mini';

type Same = readonly [first: string, again: string];

/** Pairs of entries that have the same key, the later one with its place. */
function sameEntries(
  keys: readonly string[],
  names: readonly string[],
): { readonly at: number; readonly same: Same }[] {
  const first = new Map<string, number>();
  return keys.flatMap((key, at) => {
    const before = first.get(key);
    if (before === undefined) first.set(key, at);
    return before === undefined ? [] : [{ at, same: [names[before] ?? '', names[at] ?? ''] as const }];
  });
}

const message = ([first, again]: Same): string =>
  `${JSON.stringify(again)} is the same as ${JSON.stringify(first)}, allowed is one of them`;

/**
 * Refuses names of which a host would see one only.
 *
 * @param keyOf what rules compare; by default the name without case
 */
export const distinctNames = (keyOf: (name: string) => string = (name) => name.toLowerCase()) =>
  z.check<Readonly<Record<string, unknown>>>(({ value, issues }) => {
    const names = Object.keys(value);
    for (const { at, same } of sameEntries(names.map(keyOf), names)) {
      issues.push({ code: 'custom', input: value, path: [names[at] ?? ''], message: message(same) });
    }
  });

/**
 * Refuses names of another form. (Of names that do not fit the schema of a record's names, zod does not tell why.)
 *
 * @param allowed what is allowed, for people
 */
export const namesThat = (isAllowed: (name: string) => boolean, allowed: string) =>
  z.check<Readonly<Record<string, unknown>>>(({ value, issues }) => {
    for (const name of Object.keys(value).filter((each) => !isAllowed(each))) {
      issues.push({ code: 'custom', input: name, path: [name], message: `allowed is ${allowed}` });
    }
  });

/** Refuses entries of a list of which a host would see one only. @param keyOf what rules compare */
export const distinctEntries = <Entry>(keyOf: (entry: Entry) => string) =>
  z.check<readonly Entry[]>(({ value, issues }) => {
    const keys = value.map(keyOf);
    for (const { at, same } of sameEntries(keys, keys)) {
      issues.push({ code: 'custom', input: value, path: [at], message: message(same) });
    }
  });
