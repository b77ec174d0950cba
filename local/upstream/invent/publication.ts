import {
  type CategoryFact,
  categoryFacts,
  classifications,
  company,
  detectoidFacts,
  products,
  windowsFamily,
} from '../windows-ids.ts';
import { type Month, monthName, patchTuesday, wholeSeconds } from './calendar.ts';
import type {
  InventedCategory,
  InventedDetectoid,
  InventedFile,
  InventedPayload,
  InventedPublication,
  InventedUnit,
  InventedUpdate,
} from './model.ts';
import { type PayloadDigests, payloadDigests } from './payload.ts';
import type { FilePlan, UnitPlan } from './plans.ts';
import { digestOf, type Invention, inventionOf } from './random.ts';
import { unitsOf } from './series.ts';
import { originMonth } from './world.ts';

/** Superseded updates stay in the index for so many months, then Microsoft removes them. */
const monthsKept = 6;

/** Where the RevisionIds of the real index lie: re-numbered ones low, old ones in the middle, classic ones high. */
const categoryRevisions = 30_000;
const detectoidRevisions = 40_000;
const classicRevisions = 43_900_000;
const revisionsPerMonth = 12_000;

/** UpdateId of a unit, whatever the publication: stable like Microsoft's. */
const updateIdOf = (seed: number, unitKey: string): string => inventionOf(seed).guid(`unit ${unitKey}`);

/** Digests already worked out, by label; pass the same map again to save the work. */
export type DigestMemo = Map<string, PayloadDigests>;

/** What the index of this month says. Deterministic by seed and month. */
export function inventPublication(seed: number, month: Month, memo: DigestMemo = new Map()): InventedPublication {
  const invention = inventionOf(seed);
  const history = new Map<Month, UnitPlan[]>();
  for (let each = originMonth; each <= month; each += 1) history.set(each, unitsOf(seed, each));
  const plans = publishedPlans(history, month);
  const files = new Map<string, InventedFile>();
  const fileOf = (plan: FilePlan): InventedFile => {
    const known = files.get(plan.label);
    if (known) return known;
    const digests = memo.get(plan.label) ?? payloadDigests(seed, plan.label, plan.size);
    memo.set(plan.label, digests);
    const file = { ...withAddress(seed, plan, digests), ...digests };
    files.set(plan.label, file);
    return file;
  };
  const low = lowShard(invention, month, plans);
  const units = unitUpdates({ seed, month, plans, history, lowNumber: low.numberOf, fileOf });
  const updates: InventedUpdate[] = [...low.categories, ...categories(), ...detectoidUpdates(), ...units];
  return {
    packageId: invention.guid(`package ${monthName(month)}`),
    createdAt: wholeSeconds(patchTuesday(month, 13, 54, 6)),
    updates: updates.sort((left, right) => left.revisionId - right.revisionId),
    files: [...files.values()],
  };
}

/** Months from the origin on, without what was superseded long ago. */
function publishedPlans(history: ReadonlyMap<Month, readonly UnitPlan[]>, month: Month): UnitPlan[] {
  const all = [...history.values()].flat();
  const newest = new Map(all.map((plan) => [plan.series, plan.month]));
  return all.filter((plan) => plan.month === newest.get(plan.series) || plan.month > month - monthsKept);
}

/** UUP updates get new small RevisionIds in each publication; common categories are repeated among them. */
function lowShard(invention: Invention, month: Month, plans: readonly UnitPlan[]) {
  const repeated = [classifications.security, classifications.rollups, windowsFamily, company];
  const uup = plans.filter((plan) => plan.uup);
  const keys = [...repeated, ...uup.map((plan) => plan.key), ...uup.map((plan) => plan.payload.key)];
  const order = invention.shuffled(`low shard ${monthName(month)}`, keys);
  const numbers = new Map(order.map((key, index) => [key, index + 1]));
  const numberOf = (key: string): number | undefined => numbers.get(key);
  const common: InventedCategory[] = categoryFacts
    .filter((fact) => repeated.some((id) => id === fact.id))
    .map((fact) => categoryUpdate(fact, numberOf(fact.id) ?? 0, 100, '2017-05-30T19:45:24Z'));
  return { categories: common, numberOf };
}

function categoryUpdate(fact: CategoryFact, revisionId: number, revision: number, createdAt: string): InventedCategory {
  return {
    kind: 'category',
    updateId: fact.id,
    revision,
    revisionId,
    createdAt,
    clauses: fact.parent === undefined ? [] : [{ ids: [fact.parent], isCategory: true }],
    titles: { en: fact.title, de: fact.title },
    categoryType: fact.type,
  };
}

const categories = (): InventedCategory[] =>
  categoryFacts.map((fact, index) =>
    categoryUpdate(fact, categoryRevisions + index * 7, fact.revision, '2004-02-28T18:17:22Z'),
  );

const detectoidUpdates = (): InventedDetectoid[] =>
  detectoidFacts.map((fact, index) => ({
    kind: 'detectoid',
    updateId: fact.id,
    revision: fact.revision,
    revisionId: detectoidRevisions + index * 11,
    createdAt: '2017-05-31T07:15:38Z',
    clauses: [],
    titles: { en: fact.title, de: fact.title },
    rule: fact.rule,
  }));

/** Where Microsoft would serve the file: the address ends in the name and the SHA-1, in lower case. */
function withAddress(seed: number, plan: FilePlan, digests: PayloadDigests) {
  const dot = plan.name.lastIndexOf('.');
  const served = `${plan.name.slice(0, dot)}_${digests.sha1}${plan.name.slice(dot)}`.toLowerCase();
  const { label, size, modified, patching, saysSha256 } = plan;
  const name = plan.digestInName ? `${digests.sha1.toUpperCase()}_${plan.name}` : plan.name;
  const url =
    plan.folder === undefined
      ? `http://dl.delivery.mp.microsoft.com/filestreamingservice/files/${inventionOf(seed).guid(`served ${label}`)}/public/${served}`
      : `http://download.windowsupdate.com${plan.folder}/${served}`;
  return { label, name, size, modified, patching, saysSha256, url };
}

function unitUpdates(input: {
  readonly seed: number;
  readonly month: Month;
  readonly plans: readonly UnitPlan[];
  readonly history: ReadonlyMap<Month, readonly UnitPlan[]>;
  readonly lowNumber: (key: string) => number | undefined;
  readonly fileOf: (plan: FilePlan) => InventedFile;
}): InventedUpdate[] {
  const { seed, month, plans, history, lowNumber, fileOf } = input;
  const invention = inventionOf(seed);
  // Classic numbers depend on the month of the update only, so that they stay from publication to publication.
  const classic = new Map<string, number>();
  for (const [each, inMonth] of history) {
    const base = classicRevisions + (each - originMonth) * revisionsPerMonth;
    const keys = new Set(inMonth.flatMap((plan) => [plan.key, plan.payload.key]));
    [...keys].forEach((key, index) => {
      classic.set(key, base + index * 13);
    });
  }
  const numberOf = (key: string): number => lowNumber(key) ?? classic.get(key) ?? 0;
  const payloadId = (plan: UnitPlan): string => invention.guid(`payload ${plan.payload.key}`);
  const revisionOf = (plan: UnitPlan): number => (plan.uup ? 100 : 200);
  // One number that the publication lacks: Microsoft's own index has such references, and readers must bear them.
  const gone = classicRevisions + revisionsPerMonth - 1;

  const units = plans.map((plan): InventedUnit => {
    const later = plans.filter((other) => other.series === plan.series && other.month > plan.month);
    const earlier = [...history.values()]
      .flat()
      .filter((other) => other.series === plan.series && other.month < plan.month)
      .map((other) => updateIdOf(seed, other.key));
    const first = plan.month === originMonth && plan.series === 'removal-tool' && month > originMonth;
    return {
      kind: 'unit',
      updateId: updateIdOf(seed, plan.key),
      revision: revisionOf(plan),
      revisionId: numberOf(plan.key),
      createdAt: plan.payload.files[0]?.modified ?? wholeSeconds(patchTuesday(plan.month, 17, 0, 0)),
      clauses: plan.clauses,
      uup: plan.uup,
      titles: plan.titles,
      kb: plan.kb,
      severity: plan.severity,
      bulletins: plan.bulletins,
      cves: plan.cves,
      categories: [
        { type: 'UpdateClassification', id: classifications[plan.classification] },
        { type: 'Company', id: company },
        ...plan.products.map((name) => ({ type: 'Product', id: products[name] })),
        { type: 'ProductFamily', id: windowsFamily },
      ],
      release: plan.release,
      bundles: [{ updateId: payloadId(plan), revision: revisionOf(plan) }],
      supersedes: earlier,
      supersededBy: [...later.map((other) => numberOf(other.key)), ...(first ? [gone] : [])],
    };
  });

  const payloads = new Map<string, InventedPayload>();
  for (const plan of plans) {
    const { payload } = plan;
    const bundle = numberOf(plan.key);
    const known = payloads.get(payload.key);
    payloads.set(payload.key, {
      kind: 'payload',
      updateId: payloadId(plan),
      revision: revisionOf(plan),
      revisionId: numberOf(payload.key),
      createdAt: payload.files[0]?.modified ?? '',
      clauses: payload.clauses,
      handler: payload.handler,
      release: plan.release,
      rules: payload.rules,
      reboot: payload.reboot,
      bundledBy: [...(known?.bundledBy ?? []), bundle],
      files: payload.files.map(fileOf),
    });
  }
  return [...units, ...payloads.values()];
}

/** Bytes of the licence text that the first shard carries in its `files` directory. */
export const licenceText = (seed: number): Buffer =>
  Buffer.from(`Licence terms of an invented update.\r\n${digestOf(seed, 'licence').toString('hex')}\r\n`);
