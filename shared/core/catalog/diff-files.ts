import type { Lookup, PayloadFile } from './model.ts';

/**
 * Which facts of the later publication are new, or differ from what was known: a few hundred of 97,000 each month, and
 * only these are worth writing. A fact that the later publication leaves out is no change and is kept: the key is the
 * SHA-1, so what an earlier publication said of these bytes stays true.
 *
 * @param earlier by SHA-1 (hex)
 * @param later by SHA-1 (hex)
 * @returns whole facts, in the order of the later publication
 */
export function changedFiles(
  earlier: Lookup<string, PayloadFile>,
  later: Lookup<string, PayloadFile>,
): readonly PayloadFile[] {
  const changed: PayloadFile[] = [];
  for (const [sha1, file] of later) {
    const known = earlier.get(sha1);
    const merged = { ...known, ...file };
    if (known === undefined || !sameFacts(known, merged)) changed.push(merged);
  }
  return changed;
}

const sameFacts = (a: PayloadFile, b: PayloadFile): boolean =>
  a.sha256 === b.sha256 && a.name === b.name && a.size === b.size && a.url === b.url;
