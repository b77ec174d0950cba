import type { CleaningWishes } from '#shared/contract/messages/clean-payloads.ts';
import { runId } from '#shared/contract/messages/sync-index.ts';
import type { CleaningRun } from '#shared/contract/operators/cleaning.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { type AuditPorts, audited } from './audited.ts';
import { missing, parameter } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

type CleaningPorts = AuditPorts & Pick<OperatorPorts, 'cleanings' | 'runs' | 'newId'>;

/** Cleanings of the repository. This function deletes nothing itself, and a dry run is a run like another. */
export function cleaningsApi(ports: CleaningPorts): Pick<OperatorsApi, 'startCleaning' | 'getCleaning'> {
  return {
    startCleaning: ({ request, ...call }) => startCleaning(ports, call, request),

    async getCleaning({ path }) {
      const id = parameter(runId, 'runId', path.runId);
      return (await ports.cleanings.run(id)) ?? missing(`there is no cleaning ${id}`);
    },
  };
}

/** The start is noted before the run, so that whoever asks for it at once finds it. */
function startCleaning(ports: CleaningPorts, call: Caller, wishes: CleaningWishes): Promise<CleaningRun> {
  const { cleanings, runs, now } = ports;
  const run: CleaningRun = {
    version: 1,
    runId: ports.newId(),
    state: 'started',
    startedAt: now().toISOString(),
    wishes,
  };
  const change = { action: 'files.clean', target: run.runId, after: { ...wishes } };
  return audited(ports, call, change, async () => {
    await cleanings.putRun(run);
    try {
      await runs.startCleaning(run.runId, wishes);
    } catch (error) {
      const reason = 'the cleaning could not be started';
      await cleanings.putRun({
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
