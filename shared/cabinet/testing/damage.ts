import { CabError, type CabHeader, CabReader } from '../index.ts';
import { machineCode, markup, randomBytes, randomNumbers } from './corpus.ts';
import { encodeCab } from './encode.ts';

const windows = [15, 16, 17, 18, 19, 20, 21] as const;

/** Small cabinets of every kind to damage; without checksums, so that the damage reaches the decoders. */
export function cabsToDamage(): Uint8Array[] {
  return [
    ...(['stored', 'mszip', ...windows.map((lzx) => ({ lzx }))] as const).map((compression, i) => ({ compression, i })),
    { compression: { lzx: 15, blockType: 'aligned', blockLength: 700 } as const, i: 20 },
    { compression: { lzx: 21, blockType: 'uncompressed', blockLength: 513 } as const, i: 21 },
  ].map(({ compression, i }) =>
    encodeCab({
      members: [
        { name: 'markup', data: markup(3000, i) },
        { name: 'code', data: machineCode(2000, i + 100) },
        { name: 'noise', data: randomBytes(500, i + 200) },
      ],
      compression,
      folderOf: (index) => (index === 2 ? 1 : 0),
      reserve: { header: 4, data: 2 },
      checksums: false,
    }),
  );
}

/** A copy whose data blocks say that they have no checksum. */
export function withoutChecksums(cab: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(cab);
  const view = new DataView(copy.buffer);
  const headers: CabHeader[] = [];
  new CabReader({ onHeader: (header) => void headers.push(header), onMember: () => undefined }).write(cab);
  for (const { folders, dataReserve } of headers) {
    for (const { dataOffset, blocks } of folders) {
      for (let at = dataOffset, i = 0; i < blocks && at + 8 <= cab.length; i++) {
        view.setUint32(at, 0, true);
        at += 8 + dataReserve + view.getUint16(at + 4, true);
      }
    }
  }
  return copy;
}

/** Changes up to five bytes, and sometimes cuts a piece out or doubles one. */
export function damaged(cab: Uint8Array, next: () => number): Uint8Array {
  const result = Uint8Array.from(cab);
  for (let i = next() % 6; i > 0; i--) {
    // Half of the damage goes where a change tells most: the tables.
    const at = (next() & 1) === 0 ? next() % Math.min(result.length, 140) : next() % result.length;
    result[at] = [0, 0xff, 0x7f, 0x80, next() >>> 24, (result[at] ?? 0) ^ (1 << (next() % 8))][next() % 6] ?? 0;
  }
  const [from, length] = [next() % result.length, next() % 50];
  if (next() % 4 === 0) return Buffer.concat([result.subarray(0, from), result.subarray(from + length)]);
  if (next() % 4 === 0) return Buffer.concat([result.subarray(0, from + length), result.subarray(from)]);
  return result;
}

/** What came of reading a damaged cabinet. */
export interface DamageOutcome {
  /** `read`, or the code of the {@link CabError}. */
  readonly code: string;
  /** The error in words; empty when there is none. */
  readonly message: string;
  /** Sum over all bytes handed out, and how many they were. */
  readonly sum: number;
  readonly length: number;
}

/**
 * Reads all members.
 *
 * @throws Error anything that is no CabError, also when a member gets more bytes than it has, or is ended with less
 */
function readDamaged(cab: Uint8Array, chunkSize: number): DamageOutcome {
  let sum = 0;
  let length = 0;
  const reader = new CabReader({
    onMember(member) {
      let left = member.size;
      return {
        write(chunk) {
          left -= chunk.length;
          length += chunk.length;
          if (left < 0) throw new Error(`${member.name} got more than ${member.size} bytes`);
          for (const byte of chunk) sum = (Math.imul(sum, 31) + byte) | 0;
        },
        end() {
          if (left !== 0) throw new Error(`${member.name} lacks ${left} bytes`);
        },
      };
    },
  });
  try {
    for (let at = 0; at < cab.length; at += chunkSize) reader.write(cab.subarray(at, at + chunkSize));
    reader.end();
  } catch (error) {
    if (error instanceof CabError) return { code: error.code, message: error.message, sum, length };
    throw error;
  }
  return { code: 'read', message: '', sum, length };
}

/** Damages one of the cabinets as the seed says, and reads it twice in chunks of two sizes, which must give the same. */
export function readDamagedTwice(cab: Uint8Array, seed: number): DamageOutcome {
  const sizes = randomNumbers(seed);
  const outcome = readDamaged(cab, 1 + (sizes() % 5000));
  const again = readDamaged(cab, 1 + (sizes() % 200));
  if (outcome.message !== again.message || outcome.sum !== again.sum || outcome.length !== again.length) {
    throw new Error(`read twice, it gave ${JSON.stringify(outcome)} and ${JSON.stringify(again)}`);
  }
  return outcome;
}
