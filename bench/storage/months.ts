import { createHash } from 'node:crypto';
import { monthName, patchTuesday } from '#local/upstream/invent/calendar.ts';
import { productLines } from '#local/upstream/invent/lines.ts';
import type { UnitPlan } from '#local/upstream/invent/plans.ts';
import { unitsOf } from '#local/upstream/invent/series.ts';
import { firstMonth } from '#local/upstream/invent/world.ts';

const seed = 1;
/** The first is the one that all hosts are up to date with before. */
export const publications = 12;

export interface StoredFile {
  readonly sha1: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly name: string;
}

/** An update of the invented Microsoft. */
export interface Published {
  readonly updateId: string;
  readonly series: string;
  /** Kinds of machines that it is for. */
  readonly lines: readonly string[];
  readonly files: readonly StoredFile[];
}

/** One publication: what is new in it. What is in it besides, is of earlier ones. */
export interface Publication {
  readonly name: string;
  readonly at: Date;
  readonly updates: readonly Published[];
}

/** What the invented Microsoft publishes in a year for the products of these lines, whatever machine it is for. */
export function yearOf(lines: ReadonlySet<string>): readonly Publication[] {
  const products = new Set(productLines.filter(({ key }) => lines.has(key)).map(({ product }) => product));
  return Array.from({ length: publications }, (_, count): Publication => {
    const month = firstMonth + count;
    const units = unitsOf(seed, month).filter((unit) => unit.products.some((product) => products.has(product)));
    return { name: monthName(month), at: patchTuesday(month, 18, 0, 0), updates: units.map(publishedOf) };
  });
}

const digest = (algorithm: 'sha1' | 'sha256', text: string): string => createHash(algorithm).update(text).digest('hex');

function publishedOf({ key, series, lines, payload }: UnitPlan): Published {
  const hex = digest('sha256', key);
  const updateId = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  const files = payload.files.map(({ label, name, size }) => ({
    sha1: digest('sha1', label),
    sha256: digest('sha256', label),
    size,
    name,
  }));
  return { updateId: updateId.join('-'), series, lines, files };
}
