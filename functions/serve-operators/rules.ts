import * as z from 'zod/mini';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { RulesChange, RulesDocument } from '#shared/contract/rules.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { type AuditPorts, audited } from './audited.ts';
import { listing, missing, nextOf, pageQuery, parameter, unlessRefused } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';
import { rulesDifference } from './rules-difference.ts';
import { requireSignedRules } from './trust.ts';

type RulePorts = AuditPorts & Pick<OperatorPorts, 'rules' | 'events' | 'repository' | 'publisher'>;

const revisionNumber = z.pipe(
  z.string().check(z.regex(/^[0-9]{1,9}$/, { error: 'must be a number from 0' })),
  z.transform(Number),
);

/** The rules in force, and what they were. */
export function rulesApi(
  ports: RulePorts,
): Pick<OperatorsApi, 'getRules' | 'putRules' | 'listRulesRevisions' | 'getRulesRevision'> {
  const { rules } = ports;
  return {
    async getRules() {
      const current = await rules.get();
      const signed = await signedText(rules, current.revision);
      return { ...current, ...(signed !== undefined && { signed }) };
    },
    putRules: ({ request, ...call }) => putRules(ports, call, request),

    async listRulesRevisions({ query }) {
      const asked = pageQuery(query);
      const page = await listing(() => rules.revisions(asked));
      return { version: 1, revisions: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    async getRulesRevision({ path }) {
      const revision = parameter(revisionNumber, 'revision', path.revision);
      return (await rules.revision(revision)) ?? missing(`the rules have no revision ${revision}`);
    },
  };
}

/** What is no good is as if nobody had signed: administrators must be able to write over it. */
const signedText = (rules: RulePorts['rules'], revision: number): Promise<string | undefined> =>
  rules.signed(revision).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined;
    throw error;
  });

async function putRules(ports: RulePorts, call: Caller, change: RulesChange): Promise<RulesDocument> {
  const { expectedRevision, book, comment } = change;
  const before = await ports.rules.get();
  // Told before anything is written down; the store itself decides between two who come at the same time.
  if (before.revision !== expectedRevision)
    throw new ProblemError(
      'conflict',
      `the rules in force are revision ${before.revision}, not ${expectedRevision} any more`,
    );
  const signed = await requireSignedRules(ports, { revision: expectedRevision + 1, book, text: change.signed });
  const changedAt = ports.now().toISOString();
  const next = { book, changedAt, changedBy: call.caller.name, ...(comment !== undefined && { comment }), signed };
  const difference = rulesDifference(before, { revision: expectedRevision + 1, book, comment });
  const written = await audited(ports, call, { action: 'rules.put', target: 'rules', ...difference }, () =>
    stored(() => ports.rules.put(next, expectedRevision)),
  );
  // Lost, it is made up for by the next sweep: the publisher looks at all that is stored.
  if (signed !== undefined) await ports.publisher.send({ version: 1, kind: 'rules' });
  await ports.events.publish('RulesPublished', {
    version: 1,
    revision: written.revision,
    changedAt,
    changedBy: call.caller.name,
  });
  return written;
}

async function stored<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await unlessRefused('too-large', write);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'conflict')
      throw new ProblemError('conflict', error.message, { cause: error });
    throw error;
  }
}
