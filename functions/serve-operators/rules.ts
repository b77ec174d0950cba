import { ProblemError } from '#shared/contract/problem-error.ts';
import type { RulesChange, RulesDocument } from '#shared/contract/rules.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { type AuditPorts, audited } from './audited.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

type RulePorts = AuditPorts & Pick<OperatorPorts, 'rules' | 'events'>;

/** The rules in force. */
export function rulesApi(ports: RulePorts): Pick<OperatorsApi, 'getRules' | 'putRules'> {
  return {
    getRules: () => ports.rules.get(),
    putRules: ({ request, ...call }) => putRules(ports, call, request),
  };
}

async function putRules(ports: RulePorts, call: Caller, change: RulesChange): Promise<RulesDocument> {
  const before = await ports.rules.get();
  // Told before anything is written down; the store itself decides between two who come at the same time.
  if (before.revision !== change.expectedRevision)
    throw new ProblemError(
      'conflict',
      `the rules in force are revision ${before.revision}, not ${change.expectedRevision} any more`,
    );
  const changedAt = ports.now().toISOString();
  const next = { ...change.rules, version: 1 as const, changedAt };
  const after = { ...next, revision: change.expectedRevision + 1 };
  const written = await audited(ports, call, { action: 'rules.put', target: 'rules', before, after }, () =>
    stored(() => ports.rules.put(next, change.expectedRevision)),
  );
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
    return await write();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'conflict')
      throw new ProblemError('conflict', error.message, { cause: error });
    throw error;
  }
}
