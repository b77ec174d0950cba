import { readdirSync, readFileSync } from 'node:fs';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { CabError } from '#shared/cabinet/index.ts';
import { machineCode, markup, randomBytes, randomNumbers } from '#shared/cabinet/testing/corpus.ts';
import { cabsToDamage, damaged, readDamagedTwice, withoutChecksums } from '#shared/cabinet/testing/damage.ts';
import { type EncodeOptions, encodeCab } from '#shared/cabinet/testing/encode.ts';
import { FolderBlocks } from '#shared/cabinet/testing/folder-blocks.ts';
import { unpack } from '#shared/cabinet/testing/unpack.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import type { Fuzzer } from './fuzzer.ts';

/** Larger samples would take the time of a hundred small ones. */
const largestSample = 80_000;
/** Bytes that a block unpacks to at most. */
const mostBytes = 32_768;

/**
 * Three kinds of input, by the number: one in sixteen is a sound cabinet, which must give what went in; two are deflate
 * streams, damaged or not, on which zlib must agree; the others are damaged cabinets, which must be read or refused,
 * the same in chunks of any size.
 */
export function cabinetFuzzer(): Fuzzer {
  const cabs = [...cabsToDamage(), ...samplesToDamage()];
  const mszip = new FolderBlocks({ method: 'mszip' });
  return {
    inputOf(number) {
      switch (number % 16) {
        case 0:
          return encodeCab(soundOptions(number));
        case 1:
        case 2:
          return deflated(number);
        default: {
          const next = randomNumbers(number * 7919 + 1);
          return damaged(cabs[next() % cabs.length] ?? new Uint8Array(0), next);
        }
      }
    },
    check(input, number) {
      switch (number % 16) {
        case 0:
          checkSound(input, soundOptions(number), number);
          break;
        case 1:
        case 2:
          checkAgainstZlib(input, mszip);
          break;
        default:
          readDamagedTwice(input, number);
      }
    },
  };
}

function samplesToDamage(): Uint8Array[] {
  if (!haveSamples) return [];
  return ['cab/real', 'cab/libmspack', 'cab/libarchive', 'cab/lzx-uncompressed-synthetic'].flatMap((folder) =>
    readdirSync(sample(folder))
      .filter((name) => name.endsWith('.cab'))
      .map((name) => readFileSync(sample(folder, name)))
      .filter(({ length }) => length < largestSample)
      .map((cab) => {
        try {
          return withoutChecksums(cab);
        } catch (error) {
          // Its header cannot be read, which is what it is a sample of.
          if (error instanceof CabError) return cab;
          throw error;
        }
      }),
  );
}

const contents = [markup, machineCode, randomBytes, (length: number) => new Uint8Array(length)];

function soundOptions(number: number): EncodeOptions {
  const next = randomNumbers(number * 104_729 + 1);
  const members = Array.from({ length: 1 + (next() % 4) }, (_, i) => ({
    name: `member ${i}`,
    data: (contents[next() % contents.length] ?? markup)(next() % 50_000, next()),
  }));
  const windows = [15, 16, 17, 18, 19, 20, 21] as const;
  const blockTypes = ['verbatim', 'aligned', 'uncompressed', undefined] as const;
  const blockType = blockTypes[next() % blockTypes.length];
  const lzx = {
    lzx: windows[next() % windows.length] ?? 21,
    blockLength: 512 + (next() % 100_000),
    translateCalls: (next() & 1) === 0,
    ...(blockType === undefined ? {} : { blockType }),
  };
  const folders = 1 + (next() % members.length);
  return {
    members,
    compression: next() % 4 === 0 ? 'mszip' : lzx,
    folderOf: (index) => index % folders,
    checksums: (next() & 1) === 0,
  };
}

function checkSound(cab: Uint8Array, { members }: EncodeOptions, number: number): void {
  const { members: read, error } = unpack(cab, 1 + (randomNumbers(number + 1)() % 40_000));
  if (error !== undefined) throw error;
  for (const { name, data } of members) {
    if (Buffer.compare(read.get(name) ?? Buffer.of(0), data) !== 0) throw new Error(`${name} is not what went in`);
  }
}

/** A deflate stream of at most a block's length, by all of zlib's strategies, half of them damaged. */
function deflated(number: number): Uint8Array {
  const next = randomNumbers(number * 15_485_863 + 1);
  const data = (contents[next() % contents.length] ?? markup)(1 + (next() % mostBytes), next());
  const strategies = [
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ];
  const stream = deflateRawSync(data, {
    level: next() % 10,
    memLevel: 1 + (next() % 9),
    strategy: strategies[next() % strategies.length] ?? constants.Z_DEFAULT_STRATEGY,
  });
  if ((next() & 1) === 0) return stream;
  const copy = Uint8Array.from(stream);
  for (let i = 1 + (next() % 3); i > 0; i--) {
    // Most is decided by the first bytes: the type of the block and its trees.
    const at = (next() & 1) === 0 ? next() % Math.min(copy.length, 80) : next() % copy.length;
    copy[at] = (copy[at] ?? 0) ^ (1 << (next() % 8));
  }
  return next() % 4 === 0 ? copy.subarray(0, next() % copy.length) : copy;
}

/** zlib and our decoder must both see a fault, or both give the same bytes. */
function checkAgainstZlib(stream: Uint8Array, mszip: FolderBlocks): void {
  const theirs = inflated(stream);
  // What zlib refuses is given all the room there is, so that a fault which we overlook shows as too few bytes.
  const declared = typeof theirs === 'string' || theirs.length === 0 ? mostBytes : theirs.length;
  mszip.reset();
  let ours: Uint8Array | CabError;
  try {
    ours = mszip.decodeBlock(Buffer.concat([Buffer.from('CK'), stream]), declared);
  } catch (error) {
    if (!(error instanceof CabError)) throw error;
    ours = error;
  }
  if (typeof theirs === 'string') {
    if (!(ours instanceof CabError)) throw new Error(`zlib says "${theirs}", and it was read`);
    if (/ends after/.test(ours.reason)) throw new Error(`zlib says "${theirs}", and we only "${ours.reason}"`);
    return;
  }
  if (theirs.length === 0) {
    const expected = `ends after 0 of the ${declared} bytes`;
    if (ours instanceof CabError && ours.reason.includes(expected)) return;
    throw new Error(`zlib gives nothing, and we "${ours instanceof CabError ? ours.reason : 'read it'}"`);
  }
  if (ours instanceof CabError) throw new Error(`zlib gives ${declared} bytes, and we "${ours.reason}"`);
  if (Buffer.compare(ours, theirs) !== 0) throw new Error('zlib gives other bytes');
}

/** What zlib gives, or why it refuses: faults of the data, or more bytes than a block may hold. */
function inflated(stream: Uint8Array): Uint8Array | string {
  try {
    return inflateRawSync(stream, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: mostBytes });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
