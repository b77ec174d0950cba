import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { SyncOutcome } from '#shared/contract/operators/index-sync.ts';
import { type ExitCode, exitCodes, printJson } from '../io.ts';
import type { CommandContext } from './context.ts';

const pollMilliseconds = 1000;
/** A synchronisation is one Lambda invocation of at most 15 minutes; a little longer than that, it is lost. */
const maxPolls = 16 * 60;

/** `kbroker index sync`: asks Microsoft for a new index now and waits for the end. Exit 1 when it was refused or failed. */
export async function syncIndex(context: CommandContext): Promise<ExitCode> {
  const started = await context.call(operatorEndpoints.startSync, { body: {} });
  context.io.stderr.write(`synchronisation ${started.runId} started\n`);
  for (let poll = 0; poll < maxPolls; poll += 1) {
    const run = await context.call(operatorEndpoints.getSync, { params: { runId: started.runId } });
    if (run.state === 'ended' && run.result !== undefined) {
      if (context.json) printJson(context.io, run);
      else context.io.stdout.write(`${describe(run.result)}\n`);
      return run.result.outcome === 'refused' || run.result.outcome === 'failed' ? exitCodes.failed : exitCodes.ok;
    }
    if (context.io.stderr.isTTY === true) context.io.stderr.write('.');
    await context.sleep(pollMilliseconds);
  }
  context.io.stderr.write(
    `synchronisation ${started.runId} did not end within 16 minutes; see the logs of sync-index\n`,
  );
  return exitCodes.failed;
}

function describe(result: SyncOutcome): string {
  switch (result.outcome) {
    case 'unchanged':
      return `unchanged: ${result.sha256} is current`;
    case 'published':
      return `published ${result.sha256}: ${result.updates} updates, ${result.files} files, ${result.factsWritten} of them new or changed${result.stored ? '' : ' (the bytes were already held)'}`;
    case 'refused':
      return `refused, the current index stays: ${result.reason}`;
    case 'failed':
      return `failed, the current index stays: ${result.reason}`;
  }
}
