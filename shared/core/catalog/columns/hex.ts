/** GUIDs and digests from the one spelling that catalogues have of them. */
const hexDigits = '0123456789abcdef';

/** Value of a lower-case hex digit's code; -1 for any other. */
const digitOf = new Int8Array(128).fill(-1);
for (let value = 0; value < 16; value++) digitOf[hexDigits.charCodeAt(value)] = value;

/** Writes the bytes of a hex text. @returns whether it was `length` bytes of lower-case hex */
export function bytesOfHex(text: string, into: Uint8Array, length: number): boolean {
  return text.length === length * 2 && readHex(text, 0, into, 0, length);
}

/** Bytes of each part of a GUID's text. */
const guidParts = [4, 2, 2, 2, 6] as const;

/** Writes the 16 bytes of a GUID in the order of its text. @returns whether it was one in lower case, with its hyphens */
export function bytesOfGuid(text: string, into: Uint8Array): boolean {
  if (text.length !== 36) return false;
  let from = 0;
  let at = 0;
  for (const length of guidParts) {
    if (from > 0 && text[from - 1] !== '-') return false;
    if (!readHex(text, from, into, at, length)) return false;
    from += length * 2 + 1;
    at += length;
  }
  return true;
}

function readHex(text: string, from: number, into: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const high = digitOf[text.charCodeAt(from + i * 2)] ?? -1;
    const low = digitOf[text.charCodeAt(from + i * 2 + 1)] ?? -1;
    if (high < 0 || low < 0) return false;
    into[at + i] = (high << 4) | low;
  }
  return true;
}
