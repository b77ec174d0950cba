import type { SignatureState } from './state.ts';

/**
 * Bytes from the start of a signed cabinet to its folder table: CFHEADER (36), the three reserve sizes (4), and
 * `abReserve` (20) with the place of the signature.
 */
export const signatureHeaderLength = 60;

/** Where a signature stands. */
export interface SignaturePlace {
  /** First byte of the signature, which is the length of the cabinet before it (`cbCabinet`). */
  readonly offset: number;
  /** Its length in bytes, padding to a multiple of 8 included. */
  readonly length: number;
  /**
   * Parts of the first {@link signatureHeaderLength} bytes that the signed digest covers, as `[from, to)`. Left out are
   * reserved1, iCabinet, the reserve sizes and the place of the signature (osslsigncode cab.c, cab_digest_calc; the
   * samples signed by Microsoft agree).
   */
  readonly signedHeader: readonly (readonly [from: number, to: number])[];
}

const signedHeader = [
  [0, 4],
  [8, 34],
  [56, 60],
] as const;

const hasReserve = 0x0004;
const reserveLength = 20;
/** Begins `abReserve` in signed cabinets. */
const reserveMark = 0x00100000;

const malformed = (reason: string): SignatureState => ({ state: 'malformed', reason });

/**
 * Finds the signature by the first bytes of a cabinet; fewer than {@link signatureHeaderLength} when the file ends
 * there. A reserve of another length than 20 belongs to something else (Microsoft's exports have 6144 bytes), so such
 * a cabinet is unsigned.
 */
export function readSignatureHeader(header: Buffer, maxSignatureBytes: number): SignaturePlace | SignatureState {
  if (header.length < 4 || header.readUInt32BE(0) !== 0x4d534346) {
    return malformed('not a cabinet: it does not begin with "MSCF"');
  }
  if (header.length < 36) return malformed(`the file ends at byte ${header.length}, inside the header of a cabinet`);
  if ((header.readUInt16LE(30) & hasReserve) === 0) return { state: 'unsigned' };
  if (header.length < signatureHeaderLength) {
    return malformed(`the file ends at byte ${header.length}, inside the header of a cabinet`);
  }
  if (header.readUInt16LE(36) !== reserveLength || header.readUInt32LE(40) !== reserveMark)
    return { state: 'unsigned' };
  const cabinetLength = header.readUInt32LE(8);
  const offset = header.readUInt32LE(44);
  const length = header.readUInt32LE(48);
  if (offset === 0 && length === 0) return { state: 'unsigned' };
  // The digest leaves these out: with another value the same signature would stand for another cabinet.
  if (header.readUInt32LE(4) !== 0) return malformed(`reserved1 is ${header.readUInt32LE(4)}, allowed is 0`);
  if (header.readUInt16LE(38) !== 0) {
    const sizes = `cbCFFolder ${header.readUInt8(38)}, cbCFData ${header.readUInt8(39)}`;
    return malformed(`folders and data blocks of a signed cabinet have no reserve, got ${sizes}`);
  }
  if (offset !== cabinetLength) {
    return malformed(`the signature is said to begin at byte ${offset}, the cabinet to end at byte ${cabinetLength}`);
  }
  if (offset < signatureHeaderLength)
    return malformed(`the signature is said to begin at byte ${offset}, in the header`);
  if (length < 1 || length > maxSignatureBytes) {
    return malformed(`the signature is said to have ${length} bytes, allowed are 1 to ${maxSignatureBytes}`);
  }
  return { offset, length, signedHeader };
}
