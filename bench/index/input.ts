import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Generated, generateIndex } from '#local/upstream/full-size/generate.ts';
import { measuredMonth, monthText } from '#local/upstream/full-size/month.ts';
import type { BenchContext } from '../kit/bench.ts';
import { fingerprintOf } from '../kit/fingerprint.ts';
import { lengthOf, readNote } from '../kit/made-input.ts';

/** A generated index. */
export interface IndexFile {
  readonly path: string;
  readonly scale: number;
  /** What its generator counted. */
  readonly generated: Generated;
}

/** The index of this seed and size; it is made anew when there is none, or when the code that makes it has changed. */
export async function indexFile(
  options: { readonly scale: number; readonly seed: number },
  context: Pick<BenchContext, 'cacheFolder' | 'progress'>,
): Promise<IndexFile> {
  const { scale, seed } = options;
  const path = join(context.cacheFolder, `wsusscn2-seed${seed}-${monthText(measuredMonth)}-scale${scale}.cab`);
  const notes = `${path}.json`;
  const madeBy = await generatorFingerprint();
  const known = await readNote<Notes>(notes);
  if (known?.madeBy === madeBy && (await lengthOf(path)) === known.generated.bytes) {
    return { path, scale, generated: known.generated };
  }
  context.progress(`making ${path}`);
  const generated = await generateIndex({
    out: path,
    seed,
    scale,
    month: measuredMonth,
    onProgress: ({ cabs, of, bytes }) => {
      if (cabs % 5 === 0 || cabs === of) context.progress(`${cabs} of ${of} cabinets, ${Math.round(bytes / 1e6)} MB`);
    },
  });
  await writeFile(notes, JSON.stringify({ madeBy, generated } satisfies Notes));
  return { path, scale, generated };
}

interface Notes {
  readonly madeBy: string;
  readonly generated: Generated;
}

const generator = resolve(import.meta.dirname, '../../local/upstream/full-size');

/** Of what decides about the bytes: the generator, and its threads. */
export const generatorFingerprint = (): Promise<string> =>
  fingerprintOf(join(generator, 'generate.ts'), join(generator, 'shard-worker.ts'));
