import * as z from 'zod/mini';
import { type HostRules, hostRules } from '#shared/contract/rules.ts';
import { type CompiledRules, compile } from '../core/settings.ts';
import type { Documents } from '../ports/documents.ts';

/** `rules.json`: the rules as the last check-in told them. @throws AgentError `disk` */
export const readHostRules = (documents: Documents): Promise<HostRules | undefined> =>
  documents.read('rules', (value) => {
    // What agents wrote that knew no rule packages. It is set aside, and the broker asked for what is in force.
    const version = z.safeParse(z.object({ version: z.int() }), value).data?.version;
    if (version !== undefined && version !== 2) {
      throw new Error(`these rules are of version ${version}, allowed is 2; the broker is asked for those in force`);
    }
    return z.parse(hostRules, value);
  });

/** The same, ready for judging. @throws AgentError `disk` */
export async function readRules(documents: Documents): Promise<CompiledRules | undefined> {
  const told = await readHostRules(documents);
  return told && compile(told);
}
