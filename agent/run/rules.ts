import * as z from 'zod/mini';
import { type CompiledRules, compile } from '../core/settings.ts';
import type { Documents } from '../ports/documents.ts';
import { rulesDocument, type StoredRules } from './documents.ts';

/** The signed rules that were read last. @throws AgentError `disk` */
export const readHostRules = (documents: Documents): Promise<StoredRules | undefined> =>
  documents.read('rules', (value) => {
    // What agents wrote that knew no rule packages. It is set aside, and read anew from the repository.
    const version = z.safeParse(z.object({ version: z.int() }), value).data?.version;
    if (version !== undefined && version !== 2) {
      throw new Error(`these rules are of version ${version}, allowed is 2; they are read anew`);
    }
    return z.parse(rulesDocument, value);
  });

/** The same, ready for judging. @throws AgentError `disk` */
export async function readRules(documents: Documents): Promise<CompiledRules | undefined> {
  const told = await readHostRules(documents);
  return told && compile(told);
}
