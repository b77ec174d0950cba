import { createHash } from 'node:crypto';

/**
 * Values that follow from a seed and a label and from nothing else: the same on every machine and in any order of asking,
 * so that a publication can be invented again years later without a stored state.
 */
export interface Invention {
  /** Integer in [low, high]. */
  int(label: string, low: number, high: number): number;
  /** GUID, lower case. */
  guid(label: string): string;
  /** A new order of the items. */
  shuffled<T>(label: string, items: readonly T[]): T[];
}

/** Bytes of the digest of seed and label. */
export const digestOf = (seed: number, label: string): Buffer =>
  createHash('sha256').update(`kbroker invention ${seed} ${label}`).digest();

export function inventionOf(seed: number): Invention {
  const int = (label: string, low: number, high: number): number =>
    low + (digestOf(seed, label).readUIntBE(0, 6) % (high - low + 1));
  return {
    int,
    guid(label) {
      const bytes = digestOf(seed, `guid ${label}`).subarray(0, 16);
      // Version 4, variant 1: the form of GUIDs that Windows makes.
      bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
      bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
      return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    },
    shuffled(label, items) {
      return items
        .map((item, index) => ({ item, rank: int(`${label} ${index}`, 0, 2 ** 40) }))
        .sort((left, right) => left.rank - right.rank)
        .map(({ item }) => item);
    },
  };
}
