/** Between 1601, where Windows begins to count, and 1970, in milliseconds. */
const epochMilliseconds = 11_644_473_600_000n;

/**
 * The entity tag that IIS gives a static file: the eight bytes of its time of change (100 ns since 1601, low byte first)
 * in hex, each without a leading zero, and a change number. Microsoft's answer of July 2016 for the index had
 * `"0a4bbc34adcd11:0"` with `Tue, 12 Jul 2016 14:36:24 GMT`.
 */
export function iisEtag(changed: Date, changeNumber = 0): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE((BigInt(changed.getTime()) + epochMilliseconds) * 10_000n);
  return `"${[...bytes].map((byte) => byte.toString(16)).join('')}:${changeNumber}"`;
}
