import { randomBytes } from 'node:crypto';
import type { HashKey } from '#shared/core/catalog/columns/keyed-hash.ts';

/** A key that nobody who makes an index can know. What is read does not depend on it. */
export function secretHashKey(): HashKey {
  const bytes = randomBytes(8);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
