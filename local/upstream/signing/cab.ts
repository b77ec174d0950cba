import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { DigestName } from './types.ts';

/**
 * The place of the signature in a cabinet: `abReserve` has 20 bytes, with a mark, the offset and the length, and the
 * signature follows the cabinet. The digest leaves out reserved1 and bytes 34 to 55 (osslsigncode cab.c; index samples
 * signed by Microsoft have the same bytes).
 */
const headerLength = 60;
const reserveMark = 0x00100000;
/** Signatures are padded to a multiple of so many bytes. */
const padding = 8;

/** Bytes of `abReserve` that a cabinet needs to be signed. */
export const signatureReserve = 20;

/** Makes a signature of a digest. */
export type Sign = (fileDigest: Buffer) => Buffer;

/**
 * The cabinet with a signature after it; one without any reserve gets the place for it.
 * @throws RangeError when its header has a reserve for something else
 */
export function signCab(unsigned: Uint8Array, sign: Sign, digest: DigestName = 'sha256'): Buffer {
  const cab = withReserve(Buffer.from(unsigned));
  const header = Buffer.from(cab.subarray(0, headerLength));
  checkHeader(header, cab.byteLength);
  const hash = createHash(digest);
  hashHeader(header, hash);
  const signature = padded(sign(hash.update(cab.subarray(headerLength)).digest()));
  return Buffer.concat([signedHeader(header, signature), cab.subarray(headerLength), signature]);
}

/**
 * Signs a cabinet in its file, which may be larger than the memory. The signature is written first and its place last:
 * a crash leaves an unsigned cabinet.
 * @throws RangeError when its header has no place for one
 */
export async function signCabFile(path: string, sign: Sign): Promise<void> {
  await using file = await open(path, 'r+');
  const { size } = await file.stat();
  const header = Buffer.alloc(headerLength);
  await file.read(header, 0, headerLength, 0);
  checkHeader(header, size);
  const hash = createHash('sha256');
  hashHeader(header, hash);
  for await (const chunk of createReadStream(path, { start: headerLength, highWaterMark: 1 << 20 })) hash.update(chunk);
  const signature = padded(sign(hash.digest()));
  await file.write(signature, 0, signature.byteLength, size);
  await file.sync();
  await file.write(signedHeader(header, signature), 0, headerLength, 0);
}

const hasReserve = 0x0004;
const fixedHeaderLength = 36;
const folderEntryLength = 8;

/** Moves all of a cabinet behind its header by the length of a reserve, and the offsets in it. */
function withReserve(cab: Buffer): Buffer {
  const flags = cab.readUInt16LE(30);
  if ((flags & hasReserve) !== 0) return cab;
  const added = Buffer.alloc(4 + signatureReserve);
  added.writeUInt16LE(signatureReserve, 0);
  const moved = Buffer.concat([cab.subarray(0, fixedHeaderLength), added, cab.subarray(fixedHeaderLength)]);
  moved.writeUInt16LE(flags | hasReserve, 30);
  const folders = Array.from(
    { length: cab.readUInt16LE(26) },
    (_, index) => fixedHeaderLength + added.length + index * folderEntryLength,
  );
  // cbCabinet, coffFiles, and coffCabStart of each folder.
  for (const at of [8, 16, ...folders]) moved.writeUInt32LE(moved.readUInt32LE(at) + added.length, at);
  return moved;
}

function checkHeader(header: Buffer, size: number): void {
  if (
    header.length < headerLength ||
    header.readUInt16LE(30) !== hasReserve ||
    header.readUInt32LE(36) !== signatureReserve
  ) {
    throw new RangeError(
      `a cabinet without a header reserve of ${signatureReserve} bytes has no place for a signature`,
    );
  }
  if (header.readUInt32LE(8) !== size) {
    throw new RangeError(
      `the cabinet has ${size} bytes and says ${header.readUInt32LE(8)}: it is signed already, or cut`,
    );
  }
}

function hashHeader(header: Buffer, hash: { update(bytes: Uint8Array): unknown }): void {
  hash.update(header.subarray(0, 4));
  hash.update(header.subarray(8, 34));
  hash.update(header.subarray(56, headerLength));
}

function signedHeader(header: Buffer, signature: Buffer): Buffer {
  const signed = Buffer.from(header);
  signed.writeUInt32LE(reserveMark, 40);
  signed.writeUInt32LE(header.readUInt32LE(8), 44);
  signed.writeUInt32LE(signature.byteLength, 48);
  return signed;
}

const padded = (signature: Buffer): Buffer =>
  Buffer.concat([signature, Buffer.alloc((padding - (signature.byteLength % padding)) % padding)]);
