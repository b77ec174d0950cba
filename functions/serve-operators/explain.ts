import * as z from 'zod/mini';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import type { Explanation } from '#shared/contract/operators/rules.ts';
import { kbNumber, machineId } from '#shared/contract/primitives.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { rulesOfHost, updateName } from '#shared/contract/rules.ts';
import type { StoredUnit } from '#shared/core/catalog/unit-facts.ts';
import { neededStates } from '#shared/core/fleet/needed-updates.ts';
import { explain } from '#shared/core/rules/explain.ts';
import { compileRules, type Rules } from '#shared/core/rules/judge.ts';
import { switchedOffInWords } from '#shared/core/rules/words.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { missing, parameter } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';
import { judgedOf } from './rules-facts.ts';

type ExplainPorts = Pick<OperatorPorts, 'hosts' | 'rules' | 'catalog' | 'now'>;

/** Updates in one answer; with each step of each they stay far below what an answer may have. */
const maxUpdates = 100;
/** Units of one KB that are looked through for those that are explained. */
const maxUnitsOfKb = 500;

const kb = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text) => text.replace(/^KB/i, '')),
  ),
  kbNumber,
);
const update = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text) => text.toLowerCase()),
  ),
  updateName,
);

/** An update that is to be explained. */
interface Asked {
  readonly updateId: string;
  /** Absent: the newest. */
  readonly revision?: number | undefined;
  /** What the host last said of it. */
  readonly reported?: ReportedUpdate | undefined;
}

/** Why updates are allowed on a host, by its group and the rules as they are now; nothing is asked of the host. */
export function explainApi(ports: ExplainPorts): Pick<OperatorsApi, 'explainRules'> {
  return {
    async explainRules({ path, query }) {
      const id = parameter(machineId, 'machineId', path.machineId);
      const byKb = parameter(z.optional(kb), 'kb', query.kb);
      const byName = parameter(z.optional(update), 'update', query.update);
      if (byKb !== undefined && byName !== undefined)
        throw new ProblemError('bad-request', 'kb and update were both given; allowed is one of them, or none');
      const [view, document] = await Promise.all([ports.hosts.view(id), ports.rules.get()]);
      const { group, reportedAt } = (view ?? missing(`no host ${id} is enrolled`)).summary;
      // It reported, and what it said is lost: an empty answer would read as if it needed nothing.
      if (reportedAt !== undefined && view?.last === undefined && byKb === undefined && byName === undefined)
        throw new ProblemError(
          'unavailable',
          `the report of ${id} cannot be read, so that nobody knows what it needs before its next one: name an update or a KB`,
        );
      const reported = view?.last?.report.updates ?? [];

      const { total, asked } = await askedFor(ports, reported, byKb, byName);
      const { units, unreadable } = await ports.catalog.unitsById(asked.map(({ updateId }) => updateId));
      const known = asked.flatMap((one) => {
        const facts = units.get(one.updateId);
        return facts === undefined ? [] : [{ ...one, facts }];
      });
      const unknown = asked.flatMap((one) => (units.has(one.updateId) ? [] : (one.reported ?? [])));
      if (byName !== undefined && unreadable.length > 0)
        throw new StoreError('corrupt', `the facts of the update ${byName} do not parse`);
      if (byName !== undefined && known.length === 0 && unknown.length === 0)
        missing(`no index named an update ${byName}, and the host ${id} did not report one`);

      const { revision, packages } = rulesOfHost(document, { machineId: id, group });
      const rules = compileRules(packages);
      const switchedOff = switchedOffInWords(rules.settings);
      const now = ports.now();
      return {
        version: 1,
        machineId: id,
        group,
        revision,
        packages: [...rules.packages],
        ...(switchedOff !== undefined && { switchedOff }),
        updates: known.map((one) => explained(rules, one, now)),
        ...(unknown.length > 0 && {
          unknown: unknown.map(({ updateId, revision: own, kbs }) => ({ updateId, revision: own, kbs: [...kbs] })),
        }),
        ...(total > asked.length && { total }),
      };
    },
  };
}

async function askedFor(
  { catalog }: Pick<OperatorPorts, 'catalog'>,
  reported: readonly ReportedUpdate[],
  byKb: string | undefined,
  byName: string | undefined,
): Promise<{ readonly total: number; readonly asked: readonly Asked[] }> {
  const asReported = (one: ReportedUpdate): Asked => ({ ...identityOf(one), reported: one });
  if (byName !== undefined) {
    const [updateId = byName, number] = byName.split('_');
    const revision = number === undefined ? undefined : Number(number);
    const found = reported.findLast(
      (one) => one.updateId === updateId && (revision === undefined || one.revision === revision),
    );
    return { total: 1, asked: [found === undefined ? { updateId, revision } : asReported(found)] };
  }
  if (byKb === undefined) {
    const needed = reported.filter(({ state }) => neededStates.includes(state));
    return { total: needed.length, asked: needed.slice(0, maxUpdates).map(asReported) };
  }
  // What the host said something of comes first: of the units of a KB most are for other editions of Windows.
  const own = reported.filter(({ kbs }) => kbs.includes(byKb));
  const ids = new Set(own.map(({ updateId }) => updateId));
  const { units, total } = await catalog.unitsOfKb(byKb, { limit: maxUnitsOfKb });
  const others = units.filter(({ updateId }) => !ids.has(updateId));
  if (own.length + others.length === 0) missing(`no index named an update of KB${byKb}`);
  return {
    total: Math.max(own.length + others.length, total),
    asked: [...own.map(asReported), ...others.map(({ updateId }) => ({ updateId }))].slice(0, maxUpdates),
  };
}

const identityOf = ({ updateId, revision }: ReportedUpdate) => ({ updateId, revision });

function explained(
  rules: Rules,
  { facts, reported, ...asked }: Asked & { readonly facts: StoredUnit },
  now: Date,
): Explanation['updates'][number] {
  const revision = asked.revision ?? facts.revision;
  const { updateId, kbs, title, firstPublishedAt, withdrawnAt } = facts;
  const { verdict, steps } = explain(rules, judgedOf(facts, revision), now);
  return {
    updateId,
    revision,
    kbs: [...kbs],
    ...(title !== undefined && { title }),
    firstPublishedAt,
    ...(withdrawnAt !== undefined && { withdrawnAt }),
    verdict,
    steps: steps.map((step) => ({ ...step })),
    ...(reported !== undefined && { reported: { state: reported.state, reason: reported.reason } }),
  };
}
