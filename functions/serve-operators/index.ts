import { runId, type SyncWishes } from '#shared/contract/messages/sync-index.ts';
import { type IndexView, refusalInForce, type SyncRun } from '#shared/contract/operators/index-sync.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { type AuditPorts, audited } from './audited.ts';
import { missing, parameter } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

type IndexPorts = AuditPorts & Pick<OperatorPorts, 'index' | 'journal' | 'runs' | 'newId'>;

/** The index, and runs of its synchronisation. */
export function indexApi(ports: IndexPorts): Pick<OperatorsApi, 'getIndex' | 'startSync' | 'getSync'> {
  return {
    getIndex: () => indexView(ports),
    startSync: ({ request, ...call }) => startSync(ports, call, request),

    async getSync({ path }) {
      const id = parameter(runId, 'runId', path.runId);
      return (await ports.journal.run(id)) ?? missing(`there is no run ${id}`);
    },
  };
}

/** The current publication, and the last refusal when it is in force. */
export async function indexView({ index, journal }: Pick<OperatorPorts, 'index' | 'journal'>): Promise<IndexView> {
  const [current, refusal] = await Promise.all([index.current(), journal.refusal()]);
  const refused = refusalInForce(current?.pointer, refusal);
  return {
    version: 1,
    ...(current !== undefined && { current: current.pointer }),
    ...(refused !== undefined && { refused }),
  };
}

/** The start is noted before the run, so that whoever asks for it at once finds it. */
function startSync(ports: IndexPorts, call: Caller, wishes: SyncWishes): Promise<SyncRun> {
  const { journal, runs, now } = ports;
  const run: SyncRun = { version: 1, runId: ports.newId(), state: 'started', startedAt: now().toISOString() };
  const change = { action: 'index.sync', target: run.runId, after: { ...wishes } };
  return audited(ports, call, change, async () => {
    await journal.putRun(run);
    try {
      await runs.startSync(run.runId, wishes);
    } catch (error) {
      const reason = 'the run could not be started';
      await journal.putRun({
        ...run,
        state: 'ended',
        endedAt: now().toISOString(),
        result: { outcome: 'failed', reason },
      });
      throw new ProblemError('unavailable', reason, { cause: error });
    }
    return run;
  });
}
