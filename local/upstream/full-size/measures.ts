/** How sizes and numbers are spread over the updates of a full-size index, as in the real one. */
import type { PayloadKind } from './model.ts';
import type { Row } from './random.ts';

/** How many parts a bundle has: two of five have one, some up to 42. */
export function leavesOf(row: Row): number {
  if (row.percent(40)) return 1;
  if (row.percent(41.7)) return 2 + row.below(2);
  return row.percent(71.5) ? 4 + row.below(7) : 11 + row.below(32);
}

/**
 * Bytes of what a core fragment has besides rules. Component manifests: median 184 KB, some of several MB; descriptions of
 * Windows Installer patches: some KB.
 */
export function metadataBytesOf(payload: PayloadKind, row: Row): number {
  switch (payload) {
    case 'cbs':
      if (row.percent(3.3)) return 1_000_000 + Math.min(7_000_000, -1_200_000 * Math.log(1 - row.fraction()));
      return Math.max(50_000, 184_000 * Math.exp(0.47 * row.normal()));
    case 'msi':
      return 3_000 + Math.min(150_000, -35_000 * Math.log(1 - row.fraction()));
    default:
      return 0;
  }
}

/** In how many languages there is a title. */
export function languagesOf(row: Row): number {
  if (row.percent(40)) return 37;
  return row.percent(34) ? 18 : row.below(12);
}
