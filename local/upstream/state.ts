import { readFile, rename, writeFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { UpstreamError } from './upstream-error.ts';

/** Where the bytes of a payload come from. */
const served = z.object({
  /** Path of the address, the same on all host names. */
  path: z.string(),
  size: z.int(),
  modified: z.string(),
  source: z.union([
    /** Made on the fly from this label; the digests save the work of finding them again. */
    z.object({ label: z.string(), sha1: z.string(), sha256: z.string() }),
    /** A file in the data folder. */
    z.object({ file: z.string() }),
  ]),
});
export type ServedPayload = z.infer<typeof served>;

const publication = z.object({
  number: z.int(),
  indexSha256: z.string(),
  indexBytes: z.int(),
  etag: z.string(),
  lastModified: z.string(),
});

/** Everything that the fake Microsoft remembers, beside the index files themselves. */
const upstreamState = z.object({
  version: z.literal(1),
  seed: z.int(),
  /** Ports of the last start, taken again when they are free. */
  ports: z.optional(z.object({ http: z.int(), https: z.int() })),
  /** Last invented month. */
  month: z.optional(z.int()),
  current: z.optional(
    z.extend(publication, {
      indexFile: z.string(),
      /** Name of the file that was published; absent when it was invented. */
      publishedFile: z.optional(z.string()),
    }),
  ),
  payloads: z.array(served),
});
export type UpstreamState = z.infer<typeof upstreamState>;

/** @throws UpstreamError `bad-state` when the file is there and is not one of ours. */
export async function readState(file: string): Promise<UpstreamState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const problem = (cause: unknown): UpstreamError =>
    new UpstreamError('bad-state', `${file} is not the state of a fake Microsoft; remove its folder or use --fresh`, {
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw problem(error);
  }
  const parsed = upstreamState.safeParse(value);
  if (!parsed.success) throw problem(parsed.error);
  return parsed.data;
}

/** Whole or not at all: a crash leaves the old state. */
export async function writeState(file: string, state: UpstreamState): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(upstreamState.parse(state)));
  await rename(`${file}.new`, file);
}
