import * as z from 'zod/mini';
import { type CompiledRules, compile } from '../core/settings.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Documents } from '../ports/documents.ts';
import { type IdentityDocument, rulesDocument, type StoredRules } from './documents.ts';
import { readIdentity } from './identity.ts';

/** What lies on the disk, whatever it was proved for. */
const readStored = (documents: Documents): Promise<StoredRules | undefined> =>
  documents.read('rules', (value) => {
    // Older agents did not write down which root proved the rules, nor whether one did. They are set aside.
    const version = z.safeParse(z.object({ version: z.int() }), value).data?.version;
    if (version !== undefined && version !== 3) {
      throw new Error(
        `these rules are of version ${version}, allowed is 3: nothing is allowed until they are read anew from the signed repository`,
      );
    }
    return z.parse(rulesDocument, value);
  });

/** Why rules do not count on a host; undefined when they do. */
function whyNot({ rootSha256, enrolment }: StoredRules, identity: IdentityDocument | undefined): string | undefined {
  if (identity?.rootSha256 === undefined) return 'no root of the repository is pinned here';
  if (rootSha256 !== identity.rootSha256) return `they were proved with another root, ${rootSha256}`;
  // Rules of another group may have the same revision; those of another machine may be for it alone.
  if (enrolment.group !== identity.group) return `they were read for a host of the group ${enrolment.group}`;
  if (enrolment.machineId !== identity.machineId) return `they were read for the machine ${enrolment.machineId}`;
  return undefined;
}

/** The signed rules that were read last, if they count on the host as it is enrolled now. @throws AgentError `disk` */
export async function readHostRules(documents: Documents): Promise<StoredRules | undefined> {
  const stored = await readStored(documents);
  return stored && whyNot(stored, await readIdentity(documents)) === undefined ? stored : undefined;
}

/** The same, ready for judging. @throws AgentError `disk` */
export async function readRules(documents: Documents): Promise<CompiledRules | undefined> {
  const told = await readHostRules(documents);
  return told && compile(told);
}

/**
 * The same, for a cycle: it says why rules that are there do not count.
 *
 * @throws AgentError `nothing-stored` with the reason, `disk`
 */
export async function rulesThatCount(documents: Documents): Promise<CompiledRules | undefined> {
  const stored = await readStored(documents);
  const why = stored && whyNot(stored, await readIdentity(documents));
  if (why !== undefined) throw new AgentError('nothing-stored', `the stored rules do not count: ${why}`);
  return stored && compile(stored);
}

/** The newest revision that was proved here with this root; 0 when none was. @throws AgentError `disk` */
export async function provedRevision(documents: Documents, rootSha256: string): Promise<number> {
  const stored = await readStored(documents);
  return stored?.rootSha256 === rootSha256 ? stored.revision : 0;
}

/** Writes down rules that were proved, so that they count without a network, too. @throws AgentError `disk` */
export async function keepRules(documents: Documents, rules: StoredRules): Promise<void> {
  const before = await readStored(documents);
  // In the order of the schema, as they come back from the disk: the same rules are not written at each check-in.
  const next = z.parse(rulesDocument, rules);
  if (JSON.stringify(before) !== JSON.stringify(next)) await documents.write('rules', next);
}
