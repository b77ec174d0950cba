import type { Judged } from './model.ts';

/** Microsoft writes `2026-01 Servicing Stack Update for …`, and years ago `Servicing stack update for …`. */
const spelling = /\bservicing stack update\b/i;

/**
 * Whether an update renews the servicing stack, the part of Windows that installs the others: they fail without the newest
 * (0x800f0823), so it is allowed and installed first. The index has no mark for it but the English title; what has none is
 * not one.
 */
export const isServicingStack = ({ title }: Pick<Judged, 'title'>): boolean =>
  title !== undefined && spelling.test(title);
