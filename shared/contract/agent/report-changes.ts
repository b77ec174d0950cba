import { canonicalJson } from '../canonical-json.ts';
import type { HostReport, ReportChanges, ReportedUpdate } from './report.ts';

/**
 * Reports in their one order, the way from one to the next, and the text that their hash is made of. Agent and broker
 * share this file, so that both come to the same hash.
 */

const keyOf = ({ updateId, revision }: { readonly updateId: string; readonly revision: number }): string =>
  `${updateId}_${String(revision).padStart(10, '0')}`;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Updates by UpdateId and revision, and needs sorted, each once; of two equal updates the later counts. */
export function orderReport(report: HostReport): HostReport {
  const updates = new Map(report.updates.map((update) => [keyOf(update), update]));
  return {
    ...report,
    updates: [...updates].toSorted(([a], [b]) => byText(a, b)).map(([, update]) => update),
    needs: [...new Set(report.needs)].toSorted(byText),
    ...(report.packages && { packages: orderPackages(report.packages) }),
  };
}

function orderPackages(packages: HostReport['packages'] & object): HostReport['packages'] & object {
  const named = new Map(packages.map((one) => [`${one.name}/${one.packageVersion}`, one]));
  return [...named].toSorted(([a], [b]) => byText(a, b)).map(([, one]) => one);
}

/** Text of an ordered report whose SHA-256 is the report's hash. */
export const reportText = (report: HostReport): string => canonicalJson(report);

/** What leads from `base` to `next`; both in order. */
export function changesBetween(base: HostReport, next: HostReport): ReportChanges {
  const before = new Map(base.updates.map((update) => [keyOf(update), update]));
  const after = new Map(next.updates.map((update) => [keyOf(update), update]));
  const [hadNeeds, hasNeeds] = [new Set(base.needs), new Set(next.needs)];
  return {
    ...(!equal(base.host, next.host) && { host: next.host }),
    ...(base.indexSha256 !== next.indexSha256 && { indexSha256: next.indexSha256 ?? null }),
    ...(base.indexProblem !== next.indexProblem && { indexProblem: next.indexProblem ?? null }),
    ...(base.trustProblem !== next.trustProblem && { trustProblem: next.trustProblem ?? null }),
    ...(base.group !== next.group && { group: next.group ?? null }),
    ...(base.rulesRevision !== next.rulesRevision && { rulesRevision: next.rulesRevision }),
    updates: {
      set: next.updates.filter((update) => !equal(before.get(keyOf(update)), update)),
      removed: base.updates.filter((update) => !after.has(keyOf(update))).map(identityOf),
    },
    needs: {
      added: next.needs.filter((sha1) => !hadNeeds.has(sha1)),
      removed: base.needs.filter((sha1) => !hasNeeds.has(sha1)),
    },
    ...(!equal(base.packages, next.packages) && { packages: next.packages ?? null }),
  };
}

/** The inverse: `applyReportChanges(base, changesBetween(base, next))` is `next`. The result is in order. */
export function applyReportChanges(base: HostReport, changes: ReportChanges): HostReport {
  const { indexSha256 = base.indexSha256, indexProblem = base.indexProblem } = changes;
  const { trustProblem = base.trustProblem, group = base.group, packages = base.packages } = changes;
  const updates = new Map(base.updates.map((update) => [keyOf(update), update]));
  for (const removed of changes.updates.removed) updates.delete(keyOf(removed));
  for (const update of changes.updates.set) updates.set(keyOf(update), update);
  const needs = new Set(base.needs);
  for (const sha1 of changes.needs.removed) needs.delete(sha1);
  for (const sha1 of changes.needs.added) needs.add(sha1);
  return orderReport({
    version: 2,
    host: changes.host ?? base.host,
    ...(typeof indexSha256 === 'string' && { indexSha256 }),
    ...(typeof indexProblem === 'string' && { indexProblem }),
    ...(typeof trustProblem === 'string' && { trustProblem }),
    ...(typeof group === 'string' && { group }),
    rulesRevision: changes.rulesRevision ?? base.rulesRevision,
    updates: [...updates.values()],
    needs: [...needs],
    ...(packages && { packages }),
  });
}

const equal = (a: unknown, b: unknown): boolean => canonicalJson(a ?? null) === canonicalJson(b ?? null);

const identityOf = ({ updateId, revision }: ReportedUpdate) => ({ updateId, revision });
