import { type RuleBook, type RulesDocument, rulesOfHost } from '#shared/contract/rules.ts';
import { impactOf, type PackagesOfPart, scopeOfChange } from '#shared/core/fleet/impact.ts';
import { type FleetPart, needsOf } from '#shared/core/fleet/needed-updates.ts';
import type { Judged } from '#shared/core/rules/model.ts';
import { ageOf, currentFleet, type FleetPorts } from './current-fleet.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';
import { packagesByName } from './rules-difference.ts';
import { judgedOf } from './rules-facts.ts';

type ImpactPorts = FleetPorts & Pick<OperatorPorts, 'rules' | 'catalog'>;

/** Changes in one answer. */
const maxChanges = 500;
/** Units whose facts are read together: of a large fleet there are thousands, with long lists that rules do not look at. */
const factsAtOnce = 800;

/**
 * What a change of the rules would do to the fleet as it last reported. Reports say which updates hosts need; the catalogue
 * says what they are; both books say what becomes of them. Nothing is changed by the question.
 */
export function impactApi(ports: ImpactPorts): Pick<OperatorsApi, 'askImpact'> {
  return {
    async askImpact({ request: { book } }) {
      const [fleet, current] = await Promise.all([currentFleet(ports), ports.rules.get()]);
      const now = ports.now();
      const needs = needsOf(fleet, hostsWithPackages(current.book, book));
      const scope = scopeOfChange(needs, packagesOf(current, book));
      const facts = await factsOf(ports, scope.updateIds);
      const { changes, hosts, total, unknown } = impactOf(scope, {
        judgedOf: ({ updateId, revision }) => {
          const judged = facts.get(updateId);
          return judged && { ...judged, revision };
        },
        now,
        limit: maxChanges,
      });
      return {
        version: 1,
        ...ageOf(fleet, now),
        revision: current.revision,
        changes: changes.map(({ update: { updateId, kbs, title }, ...change }) => ({
          updateId,
          kbs: [...kbs],
          ...(title !== undefined && { title }),
          ...change,
        })),
        hosts,
        total,
        ...(unknown > 0 && { unknown }),
      };
    },
  };
}

/** Hosts that have packages of their own in one of the books, or are in another group than their enrolment says. */
function hostsWithPackages(...books: readonly RuleBook[]): ReadonlySet<string> {
  return new Set(
    books.flatMap(({ assignments: { hosts, moved = {} } }) => [
      ...Object.entries(hosts).flatMap(([machineId, names]) => (names.length > 0 ? [machineId] : [])),
      ...Object.keys(moved),
    ]),
  );
}

/** Says of a part of the fleet which packages count there before and after; nothing when they are the same. */
function packagesOf(
  current: RulesDocument,
  book: RuleBook,
): (part: FleetPart) => (PackagesOfPart & { readonly key: string }) | undefined {
  const next = { ...current, book };
  const [before, after] = [packagesByName(current.book), packagesByName(book)];
  return ({ group, machineId }) => {
    // A name that no host has stands for all hosts of the group: an id of a machine is never empty.
    const host = { group, machineId: machineId ?? '' };
    const packages = { before: rulesOfHost(current, host).packages, after: rulesOfHost(next, host).packages };
    const names = [packages.before.map(({ name }) => name).sort(), packages.after.map(({ name }) => name).sort()];
    const [earlier, later] = names.map((list) => JSON.stringify(list));
    const same = earlier === later && names.flat().every((name) => before.get(name) === after.get(name));
    return same ? undefined : { ...packages, key: `${earlier} ${later}` };
  };
}

/** Units as rules look at them, by UpdateId, in their newest revision. */
async function factsOf(
  { catalog }: Pick<OperatorPorts, 'catalog'>,
  updateIds: Iterable<string>,
): Promise<ReadonlyMap<string, Judged>> {
  const facts = new Map<string, Judged>();
  const left = [...updateIds];
  while (left.length > 0) {
    const { units } = await catalog.unitsById(left.splice(0, factsAtOnce));
    for (const unit of units.values()) facts.set(unit.updateId, judgedOf(unit, unit.revision));
  }
  return facts;
}
