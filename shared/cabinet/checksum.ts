/**
 * Checksum of a CFDATA block ([MS-CAB], CFDATA): the exclusive or of its little-endian 32-bit words; one to three
 * bytes at the end count as one big-endian number.
 *
 * @param seed result for the bytes before; a block's checksum is that of its data, continued over its header fields.
 * @returns an unsigned 32-bit number
 */
export function checksum(bytes: Uint8Array, seed = 0): number {
  const words = bytes.length >>> 2;
  let sum = seed | 0;
  if ((bytes.byteOffset & 3) === 0 && littleEndian) {
    const view = new Int32Array(bytes.buffer, bytes.byteOffset, words);
    for (let i = 0; i < view.length; i++) sum ^= view[i] as number;
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < words; i++) sum ^= view.getInt32(i * 4, true);
  }
  let tail = 0;
  for (let i = words * 4; i < bytes.length; i++) tail = (tail << 8) | (bytes[i] as number);
  return (sum ^ tail) >>> 0;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
