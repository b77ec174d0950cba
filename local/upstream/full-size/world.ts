import { categoryFacts, classifications, detectoidFacts } from '../windows-ids.ts';
import { languages } from './languages.ts';
import { languagesOf, leavesOf, metadataBytesOf } from './measures.ts';
import type { Bundle, Entry, Evaluated, Leaf, PayloadKind, Shard, World } from './model.ts';
import { firstMonth, type Month, measuredMonth, publicationTime } from './month.ts';
import { mixed, Row } from './random.ts';
import { renumberedEntries } from './renumbered.ts';
import { productTitle } from './words.ts';

export interface WorldOptions {
  /** 0 to 2^32 - 1. */
  readonly seed: number;
  readonly month: Month;
  /** Above 0, at most 1: the share of a real publication's updates. */
  readonly scale: number;
}

/**
 * Numbers of the publication of July 2026, as counted by those who publish about it: 137,000 updates, of them 21,200
 * bundles, 4,200 categories and detectoids; 75 cabinets besides the outer one.
 */
const measured = { bundles: 20_950, evaluated: 4178, detailCabs: 74, newBundlesAMonth: 100, revisedAMonth: 6 };
/** RevisionIds reach 45 million; between neighbours lie so many. */
const idGap = 330;
const firstClassicId = 1000;
/** Product lines that get an update each month, which replaces those before it. */
const lines = 60;

/** All that a publication says; the same for the same options, wherever and whenever it is asked. */
export function inventWorld(options: WorldOptions): World {
  const { seed, month, scale } = options;
  const classic = new Classic(options);
  const renumbered = renumberedEntries(options, classic.commonlyUsed);
  const detail = Math.max(2, Math.round(measured.detailCabs * scale) - 1);
  const slots = month === measuredMonth ? classic.slots : new Classic({ ...options, month: measuredMonth }).slots;
  const perShard = Math.ceil(slots / detail);
  const shards: Shard[] = [{ name: 'package2.cab', rangeStart: 0, entries: renumbered }];
  for (let start = 0; start < classic.slots; start += perShard) {
    shards.push({
      name: `package${shards.length + 2}.cab`,
      rangeStart: start === 0 ? renumbered.length + 1 : classic.revisionIdOf(start),
      entries: classic.entriesBetween(start, start + perShard),
    });
  }
  return {
    seed,
    packageId: new Row(seed, month, 0x9ac).guid(),
    createdAt: publicationTime(month),
    shards,
  };
}

/**
 * Updates that keep their RevisionId for good. Each has a slot in the order of publication; slots are never used again, so
 * that a later publication differs at the end and where an update was revised.
 */
class Classic {
  /** Slots used, also those whose update was revised and moved on. */
  slots = 0;
  readonly #options: WorldOptions;
  readonly #evaluated: Evaluated[] = [];
  readonly #products: Evaluated[] = [];
  readonly #bundles: Bundle[] = [];
  /** By slot. */
  readonly #entries: (Entry | undefined)[] = [];
  readonly #series: { bundles: Bundle[]; room: number; ended: number }[] = [];
  readonly #revised: ReadonlyMap<number, Revisions>;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#revised = revisedBundles(options);
    const before = bundlesUntil(firstMonth, options.scale);
    this.#addEvaluated(0);
    for (let index = 0; index < before; index++) this.#addGroup(index, historicTime(index / before));
    for (let month = firstMonth + 1; month <= options.month; month++) this.#addMonth(month);
  }

  /** Categories and detectoids with Microsoft's identities, which the renumbered updates use too. */
  get commonlyUsed(): readonly Evaluated[] {
    return this.#evaluated.slice(0, categoryFacts.length + detectoidFacts.length);
  }

  revisionIdOf(slot: number): number {
    const gap = Math.floor(idGap / this.#options.scale);
    return firstClassicId + slot * gap + (mixed(this.#options.seed, slot, 0x51d) % (gap - 30));
  }

  entriesBetween(start: number, end: number): Entry[] {
    return this.#entries.slice(start, end).filter((entry) => entry !== undefined);
  }

  #addMonth(month: Month): void {
    const first = bundlesUntil(month - 1, this.#options.scale);
    const last = bundlesUntil(month, this.#options.scale);
    const time = publicationTime(month).getTime();
    for (let index = first; index < last; index++) this.#addGroup(index, time - (last - index) * 600_000);
    for (const index of revisedIn(month, this.#options)) {
      const slot = this.slots++;
      const bundle = this.#bundles[index];
      // Revised again later: then it moved on from here too.
      if (bundle === undefined || this.#revised.get(index)?.last !== month) continue;
      bundle.revisionId = this.revisionIdOf(slot);
      bundle.createdAt = new Date(time);
      this.#entries[slot] = bundle;
    }
  }

  /** Evaluated updates come in step with the bundles that need them. */
  #addEvaluated(bundleIndex: number): void {
    const { seed, scale } = this.#options;
    const known = [...categoryFacts, ...detectoidFacts];
    const atStart = known.length + Math.round(measured.evaluated * 0.2 * scale);
    const share = Math.max(0, measured.evaluated * scale - atStart) / bundlesUntil(measuredMonth, scale);
    const wanted = atStart + Math.floor(share * bundleIndex);
    while (this.#evaluated.length < wanted) {
      const index = this.#evaluated.length;
      const row = new Row(seed, index, 0xe7a1);
      const fact = known[index];
      // Of real ones about one in nine is a category.
      const isCategory = fact === undefined ? index % 9 === 0 : index < categoryFacts.length;
      const slot = this.slots++;
      const parents = this.#evaluated.slice(0, Math.min(index, 400));
      const parent = fact === undefined && parents.length > 0 ? row.of(parents).updateId : undefined;
      const evaluated: Evaluated = {
        kind: 'evaluated',
        index,
        isCategory,
        updateId: fact?.id ?? row.guid(),
        revision: fact?.revision ?? 100 + row.below(4),
        revisionId: this.revisionIdOf(slot),
        createdAt: new Date(Date.UTC(2017, 4, 30, 19, 45, 24) - row.below(300_000_000) * 1000),
        title: fact?.title ?? productTitle(row, isCategory),
        prerequisite: parent,
        languages: languagesOf(row),
      };
      this.#evaluated.push(evaluated);
      // Of the categories with Microsoft's identities only the products are what an update can be for.
      if (isCategory && (categoryFacts[index]?.type ?? 'Product') === 'Product') this.#products.push(evaluated);
      this.#entries[slot] = evaluated;
    }
  }

  #addGroup(index: number, time: number): void {
    const { seed, scale } = this.#options;
    this.#addEvaluated(index);
    const row = new Row(seed, index, 0xb0d1);
    const createdAt = new Date(Math.floor(time / 1000) * 1000);
    const hasHuge = index % hugeEvery === hugeEvery >> 1;
    const kind: PayloadKind = hasHuge ? 'cbs' : row.percent(22) ? 'cbs' : row.percent(13) ? 'msi' : 'command';
    const product = row.of(this.#products);
    const classification = row.of(usedClassifications);
    const detectoid = (): string => row.of(this.#evaluated).updateId;
    const clauses = [[product.updateId], [classification], [detectoid()]];
    if (row.percent(50)) clauses.push([detectoid()]);
    if (row.percent(15)) clauses.push(Array.from({ length: 2 + row.below(3) }, detectoid));
    const { series, ordinal } = this.#seriesOf(index);
    const bundle: Bundle = {
      kind: 'bundle',
      index,
      uup: false,
      payload: kind,
      updateId: row.guid(),
      revision: 200 + (this.#revised.get(index)?.times ?? 0),
      revisionId: 0,
      createdAt,
      kb: 890_000 + Math.floor((index * 200 + row.below(200)) / scale),
      product,
      classification,
      clauses,
      release: undefined,
      leaves: [],
      series,
      ordinal,
      languages: languagesOf(row),
    };
    series[ordinal] = bundle;
    for (let place = 0, count = leavesOf(row); place < count; place++) {
      const slot = this.slots++;
      const leaf = this.#leaf(bundle, place, slot, hasHuge && place === 0);
      bundle.leaves.push(leaf);
      this.#entries[slot] = leaf;
    }
    const before = this.#bundles.at(-1)?.leaves[0];
    if (before !== undefined && row.percent(5)) {
      before.bundledBy.push(bundle);
      bundle.leaves.push(before);
    }
    const slot = this.slots++;
    bundle.revisionId = this.revisionIdOf(slot);
    // A bundle that was revised later stands in another slot.
    if (!this.#revised.has(index)) this.#entries[slot] = bundle;
    this.#bundles.push(bundle);
  }

  #leaf(owner: Bundle, place: number, slot: number, huge: boolean): Leaf {
    const row = new Row(this.#options.seed, slot, 0x1eaf);
    // More than a third of the later leaves are the same file for another architecture or edition.
    const own = (owner.index * 64 + place) * 2;
    const files = [place > 0 && row.percent(37) ? own - 2 : own, ...(row.percent(5) ? [own + 1] : [])];
    return {
      kind: 'leaf',
      owner,
      place,
      updateId: row.guid(),
      revision: 200,
      revisionId: this.revisionIdOf(slot),
      createdAt: owner.createdAt,
      bundledBy: [owner],
      files,
      // A part need not repeat the classification of the whole.
      clauses: owner.clauses.filter((_, i) => i !== 1),
      fileLanguages: row.percent(60) ? languageNames.slice(0, 1 + row.below(8)) : [],
      metadataBytes: huge ? 33_700_000 + row.below(13_100_000) : metadataBytesOf(owner.payload, row),
    };
  }

  /** Seven of ten bundles replace others; such a series has 19 to 57 members, then the next begins. */
  #seriesOf(index: number): { series: Bundle[]; ordinal: number } {
    if (index % 10 >= 7) return { series: [], ordinal: 0 };
    const place = Math.floor(index / 10) * 7 + (index % 10);
    const line = place % Math.max(1, Math.round(lines * this.#options.scale));
    const state = this.#series[line] ?? { bundles: [], room: 0, ended: 0 };
    this.#series[line] = state;
    if (state.room === 0) {
      state.bundles = [];
      state.room = 19 + (mixed(this.#options.seed, line, state.ended, 0x5e1) % 39);
      state.ended += 1;
    }
    state.room -= 1;
    return { series: state.bundles, ordinal: state.bundles.length };
  }
}

const languageNames = languages.map(([language]) => language);
/** Of so many groups one has a component manifest above 32 MiB. */
const hugeEvery = 1047;
const usedClassifications = [
  classifications.security,
  classifications.security,
  classifications.security,
  classifications.critical,
  classifications.updates,
  classifications.rollups,
];

function bundlesUntil(month: Month, scale: number): number {
  const each = Math.max(1, Math.round(measured.newBundlesAMonth * scale));
  return Math.max(8, Math.round(measured.bundles * scale)) + (month - measuredMonth) * each;
}

/** Published from 2005 on, until the first month that is told. */
function historicTime(share: number): number {
  const first = Date.UTC(2005, 0, 11, 17);
  return first + share * (publicationTime(firstMonth).getTime() - first);
}

/** Neighbours, so that few detail cabinets change. */
function revisedIn(month: Month, { seed, scale }: WorldOptions): number[] {
  const count = Math.max(1, Math.round(measured.revisedAMonth * scale));
  const first = mixed(seed, month, 0x9e5) % Math.max(1, bundlesUntil(firstMonth, scale) - count + 1);
  return Array.from({ length: count }, (_, i) => first + i);
}

interface Revisions {
  readonly times: number;
  readonly last: Month;
}

/** By place of the bundle. */
function revisedBundles(options: WorldOptions): ReadonlyMap<number, Revisions> {
  const revised = new Map<number, Revisions>();
  for (let month = firstMonth + 1; month <= options.month; month++) {
    for (const index of revisedIn(month, options)) {
      revised.set(index, { times: (revised.get(index)?.times ?? 0) + 1, last: month });
    }
  }
  return revised;
}
