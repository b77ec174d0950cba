import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { sample } from './samples.ts';

const text = z.object({ text: z.string() });
/** What vuls-data-update makes of its fixture, as far as the catalogue says the same things. */
const golden = {
  u: z.object({
    creationdate: z.string(),
    updateid: z.string(),
    revisionnumber: z.string(),
    revisionid: z.string(),
    isbundle: z.string(),
    supersededby: z.optional(z.object({ revision: z.array(z.object({ id: z.string() })) })),
    categories: z.optional(z.object({ category: z.array(z.object({ type: z.string(), id: z.string() })) })),
  }),
  x: z.object({
    msrcseverity: z.string(),
    securitybulletinid: text,
    kbarticleid: text,
  }),
  l: z.object({ title: text }),
  c: z.object({
    updateidentity: z.object({ updateid: z.string(), revisionnumber: z.string() }),
    properties: z.object({ updatetype: z.string() }),
  }),
};

/** The golden JSON of one directory (updates, extended, localized, core) by RevisionId. */
export async function readGolden<K extends keyof typeof golden>(
  kind: K,
): Promise<Map<number, z.infer<(typeof golden)[K]>>> {
  const path = sample('wsusscn2', 'vuls-data-update', 'fetch-golden', kind);
  const entries = (await readdir(path)).map(async (name): Promise<[number, z.infer<(typeof golden)[K]>]> => {
    const parsed = z.parse(golden[kind], JSON.parse(await readFile(join(path, name), 'utf8')));
    return [Number(name.replace('.json', '')), parsed as z.infer<(typeof golden)[K]>];
  });
  return new Map(await Promise.all(entries));
}
