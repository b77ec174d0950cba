import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { generateIndex } from '#local/upstream/full-size/generate.ts';
import { measuredMonth, monthText } from '#local/upstream/full-size/month.ts';
import { signCabFile } from '#local/upstream/signing/cab.ts';
import { indexSignerIn } from '#local/upstream/signing/identity.ts';
import { generatorFingerprint } from '../index/input.ts';

/** Two publications of the invented Microsoft, one month apart, and the root that signed them. */
export interface Publications {
  readonly first: string;
  readonly next: string;
  /** PEM. */
  readonly rootPem: string;
}

/**
 * Makes the two indexes, or takes those that an earlier run of the same generator left in the folder.
 *
 * @param scale above 0 and up to 1: the share of a real publication's updates
 */
export async function makePublications(
  folder: string,
  scale: number,
  progress: (line: string) => void,
): Promise<Publications> {
  const own = join(folder, 'publish');
  await mkdir(own, { recursive: true });
  const signer = await indexSignerIn(join(own, 'signer'), new Date());
  const madeBy = (await generatorFingerprint()).slice(0, 12);
  const make = async (month: number): Promise<string> => {
    const file = join(own, `seed-1-${monthText(month)}-scale-${scale}-${madeBy}.cab`);
    if (await exists(file)) return file;
    const unfinished = `${file}.unsigned`;
    progress(`inventing the index of ${monthText(month)} at scale ${scale}`);
    const { updates, bytes } = await generateIndex({
      out: unfinished,
      seed: 1,
      month,
      scale,
      onProgress: ({ cabs, of }) => progress(`${cabs} of ${of} inner cabinets`),
    });
    progress(`${updates} updates, ${(bytes / 1e6).toFixed(1)} MB`);
    await signCabFile(unfinished, signer.signAt(new Date()));
    await rename(unfinished, file);
    return file;
  };
  const files = { first: await make(measuredMonth), next: await make(measuredMonth + 1) };
  return { ...files, rootPem: signer.rootPem };
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
