import * as z from 'zod/mini';
import { byteCount, sha1, sha256 } from '../primitives.ts';

export const fileLookup = z.object({ version: z.literal(1), sha1s: z.array(sha1).check(z.maxLength(1000)) });

/**
 * Where the broker stands with one file. `held`: in the repository under its SHA-256. `requested`: asked for, not yet
 * there. `failed`: given up after the retries, with the reason. `unknown`: not in the catalogue. `absent`: nobody asked.
 */
const fileStatus = z.discriminatedUnion('state', [
  z.object({ sha1, state: z.literal('held'), sha256, size: byteCount }),
  z.object({ sha1, state: z.literal('requested'), reason: z.optional(z.string()) }),
  z.object({ sha1, state: z.literal('failed'), reason: z.string() }),
  z.object({ sha1, state: z.literal('unknown') }),
  z.object({ sha1, state: z.literal('absent') }),
]);
export type FileStatus = z.infer<typeof fileStatus>;

export const fileLookupAnswer = z.object({ version: z.literal(1), files: z.array(fileStatus) });
export type FileLookupAnswer = z.infer<typeof fileLookupAnswer>;
