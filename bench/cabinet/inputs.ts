import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCab } from '#shared/cabinet/index.ts';
import { randomBytes } from '#shared/cabinet/testing/corpus.ts';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { sample } from '#test/kit/samples.ts';
import type { BenchContext } from '../kit/bench.ts';
import { fingerprintOf } from '../kit/fingerprint.ts';
import { lengthOf, readNote } from '../kit/made-input.ts';
import { joinCabs } from './join-cabs.ts';

/** A kind of cabinet, as large as it takes for start-up to be a few per cent of our time and nothing of the others'. */
export interface Input {
  readonly name: string;
  /** Paths among the samples, or what makes the cabinets. */
  readonly of: readonly string[] | (() => readonly Uint8Array[]);
  /** How often the cabinets go in: for about 1 GB of members. */
  readonly times: number;
  readonly hasGoal: boolean;
}

export const inputs: readonly Input[] = [
  {
    name: 'LZX binaries',
    of: [
      'cab/real/vcredis1.cab',
      'cab/real/vcredist_14239_Microsoft_VC80_ATL_x86.cab',
      'cab/real/vcredist_14241_Microsoft_VC80_CRT_x86.cab',
      'cab/real/vcredist_14250_Microsoft_VC80_MFCLOC_x86.cab',
    ],
    times: 150,
    hasGoal: true,
  },
  { name: 'LZX XML', of: ['wsusscn2/wsus-export/WSUS-2020.cab'], times: 120, hasGoal: true },
  { name: 'MSZIP', of: ['cab/real/nunit.cab', 'cab/real/putty.cab'], times: 100, hasGoal: true },
  {
    // As the outer cabinet of an index is, whose members are cabinets.
    name: 'LZX incompressible',
    of: () => [encodeCab({ members: [{ name: 'noise', data: randomBytes(20_000_000, 1) }], compression: { lzx: 21 } })],
    times: 50,
    hasGoal: false,
  },
];

interface Note {
  readonly madeBy: string;
  readonly packed: number;
  readonly unpacked: number;
}

/**
 * Makes the input, or takes the one that is there when the code and the samples that it was made of are still the same.
 *
 * @returns its path, and the bytes of its members
 */
export async function makeInput(
  input: Input,
  { cacheFolder, progress }: Pick<BenchContext, 'cacheFolder' | 'progress'>,
): Promise<{ readonly file: string; readonly unpacked: number }> {
  const file = join(cacheFolder, `cabinet-${input.name.replaceAll(' ', '-').toLowerCase()}-${input.times}.cab`);
  const note = `${file}.json`;
  const samples =
    typeof input.of === 'function' ? [] : await Promise.all(input.of.map((name) => readFile(sample(name))));
  const madeBy = await fingerprint(samples, input.times);
  const known = await readNote<Note>(note);
  if (known?.madeBy === madeBy && (await lengthOf(file)) === known.packed) return { file, unpacked: known.unpacked };
  progress(`making ${input.name}`);
  const made = joinCabs(file, typeof input.of === 'function' ? input.of() : samples, input.times);
  progress(`${input.name}: ${(made.unpacked / 1e6).toFixed(0)} MB in ${(made.packed / 1e6).toFixed(0)} MB`);
  await writeFile(note, JSON.stringify({ madeBy, ...made } satisfies Note));
  return { file, unpacked: made.unpacked };
}

/** Of this file, with all that it imports, and of the samples. */
async function fingerprint(samples: readonly Uint8Array[], times: number): Promise<string> {
  const hash = createHash('sha256').update(`${await fingerprintOf(import.meta.filename)} ${times}`);
  for (const bytes of samples) hash.update(bytes);
  return hash.digest('hex');
}

/** @throws Error when cabextract unpacks other bytes than we do */
export async function assertSameMembers(file: string): Promise<void> {
  const [ours, theirs] = await Promise.all([ourHash(file), hashOfCabextract(file)]);
  if (ours !== theirs) throw new Error(`${file}: SHA-256 of all members is ${ours}, and of cabextract's ${theirs}`);
}

async function ourHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  const sink = { write: (chunk: Uint8Array) => void hash.update(chunk), end: () => undefined };
  await readCab(createReadStream(file, { highWaterMark: 1 << 20 }), { onMember: () => sink });
  return hash.digest('hex');
}

async function hashOfCabextract(file: string): Promise<string> {
  const hash = createHash('sha256');
  const child = spawn('cabextract', ['-q', '-p', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const read = (async () => {
    for await (const chunk of child.stdout) hash.update(chunk);
    return hash.digest('hex');
  })();
  return Promise.race([read, failed]);
}
