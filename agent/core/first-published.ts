import type { NeededUpdate } from '#shared/core/catalog/scan.ts';
import { earlierOf } from '#shared/core/catalog/unit-facts.ts';
import type { RulePackage, VerdictCode } from '#shared/core/rules/model.ts';

/** When UpdateIds were first published, in whichever revision, as the broker told it. ISO 8601, by UpdateId. */
export type FirstPublications = ReadonlyMap<string, string>;

/** So many answers are kept: as many as a report has updates. */
const mostKept = 2000;

/**
 * What the age of an update is counted from: the first publication of its UpdateId as the broker told it, or the creation
 * of the revision that the index has. The earlier counts: no answer makes an update younger that has a date of its own.
 *
 * @returns ISO 8601, unless neither is a date
 */
export function ageFrom({ updateId, createdAt }: NeededUpdate, known: FirstPublications): string {
  const told = known.get(updateId);
  return told === undefined ? createdAt : earlierOf(createdAt, told);
}

/**
 * UpdateIds that the broker is asked about: those whose first publication is not known and may change the verdict. That is
 * what is delayed, and everything when a rule asks for the age: to such a rule, a new revision of an old update looks young.
 */
export function unknownPublications(
  judged: readonly { readonly update: NeededUpdate; readonly verdict: { readonly code: VerdictCode } }[],
  packages: readonly RulePackage[],
  known: FirstPublications,
): readonly string[] {
  const rulesAskForAge = packages.some(({ rules }) =>
    rules.some(({ when }) => when.minAgeSeconds !== undefined || when.maxAgeSeconds !== undefined),
  );
  return judged
    .filter(({ verdict, update }) => (rulesAskForAge || verdict.code === 'delayed') && !known.has(update.updateId))
    .map(({ update }) => update.updateId);
}

/** Answers to keep: those about updates that are needed, and of these the newest when there are too many. */
export const keepPublications = (known: FirstPublications, needed: readonly NeededUpdate[]): FirstPublications =>
  new Map(
    needed
      .flatMap(({ updateId }) => {
        const at = known.get(updateId);
        return at === undefined ? [] : [[updateId, at] as const];
      })
      .slice(-mostKept),
  );
