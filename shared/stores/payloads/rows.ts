import * as z from 'zod/mini';
import { byteCount, sha1, sha256, timestamp } from '../../contract/primitives.ts';
import { payloadsBinding } from './binding.ts';

const { partitionKey } = payloadsBinding.table;

/** Partitions of the index by time. */
export const listNames = { held: 'held', retired: 'retired' } as const;

/** The row of totals. */
export const totalsKey = { [partitionKey]: payloadsBinding.rows.totals };

/** The row that counts what was fetched in a month, `2026-11`. */
export const monthKey = (month: string) => ({ [partitionKey]: `${payloadsBinding.rows.monthPrefix}${month}` });

export const payloadRow = z.object({
  version: z.literal(1),
  sha1,
  sha256,
  size: byteCount,
  name: z.exactOptional(z.string()),
  heldAt: timestamp,
});

/** A row with what the cleaning knows of it, by the partition of the index that it is in. */
export const cleanableRow = z.discriminatedUnion(payloadsBinding.byTime.partitionKey, [
  z.extend(payloadRow, { list: z.literal(listNames.held), unneededSince: z.exactOptional(timestamp) }),
  z.extend(payloadRow, {
    list: z.literal(listNames.retired),
    retiredAt: timestamp,
    removingSince: z.exactOptional(timestamp),
  }),
]);
export type CleanableRow = z.infer<typeof cleanableRow>;
