import type { StoredUnit } from '#shared/core/catalog/unit-facts.ts';
import type { Judged } from '#shared/core/rules/model.ts';

/**
 * A unit as rules look at it. Facts are kept of its newest revision; an older one that a host reported is judged by them,
 * under its own number.
 */
export function judgedOf(facts: StoredUnit, revision: number): Judged {
  const { updateId, kbs, title, severity, products, classification, reboot, firstPublishedAt } = facts;
  return {
    updateId,
    revision,
    kbs,
    title,
    severity,
    products,
    classification,
    reboot,
    // As hosts count: a sum that lacks files is no size.
    bytes: facts.unsizedFiles === undefined ? facts.bytes : undefined,
    firstPublishedAt,
  };
}
