import type { SyncWishes } from '#shared/contract/messages/sync-index.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { SyncOutcome, SyncProgress } from '#shared/contract/operators/index-sync.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines } from '../io.ts';
import { printable } from '../printable.ts';
import { createProgressLine } from '../progress-line.ts';
import type { CommandContext } from './context.ts';

const pollMilliseconds = 1000;
/**
 * Polls without any news, after which a run is taken for lost: one that lost its invocation is taken up by the next
 * tick of the schedule, which comes every hour, and may take 15 minutes until it says something.
 */
const maxQuietPolls = 75 * 60;

/**
 * `kbroker index sync`: asks Microsoft for a new index now, tells how far it is, and waits for the end. With `--json`
 * the end is a line on stdout, and each step on the way one on stderr. Exit 1 when it was refused or failed.
 *
 * @param wishes `allowOlder` publishes also what Microsoft made before the current index; `again` reads the current one
 *   again when there is no other
 */
export async function syncIndex(context: CommandContext, wishes: SyncWishes = {}): Promise<ExitCode> {
  const { io, json } = context;
  const started = await context.call(operatorEndpoints.startSync, { body: wishes });
  io.stderr.write(json ? `${JSON.stringify(started)}\n` : `synchronisation ${printable(started.runId)} started\n`);
  const line = createProgressLine(io);
  let told: string | undefined;
  for (let quietPolls = 0; quietPolls < maxQuietPolls; quietPolls += 1) {
    const run = await context.call(operatorEndpoints.getSync, { params: { runId: started.runId } });
    if (run.state === 'ended' && run.result !== undefined) {
      if (json) printJson(io, run);
      else {
        line.end();
        printLines(io, [describe(run.result)]);
      }
      return run.result.outcome === 'refused' || run.result.outcome === 'failed' ? exitCodes.failed : exitCodes.ok;
    }
    if (run.progress !== undefined && run.progress.at !== told) {
      told = run.progress.at;
      quietPolls = 0;
      if (json) io.stderr.write(`${JSON.stringify(run)}\n`);
      else line.tell(inWords(run.progress));
    }
    await context.sleep(pollMilliseconds);
  }
  line.end();
  io.stderr.write(
    `synchronisation ${printable(started.runId)} said nothing for ${(maxQuietPolls * pollMilliseconds) / 60_000} minutes; see the logs of sync-index\n`,
  );
  return exitCodes.failed;
}

function inWords({ phase, bytes, of, facts }: SyncProgress): string {
  const words = {
    copying: 'copying from Microsoft',
    examining: 'checking digest and signature',
    decoding: 'decoding',
    publishing: 'publishing',
  }[phase];
  if (facts !== undefined) return `${words}: ${facts} facts written`;
  if (bytes === undefined) return words;
  if (of === undefined || of === 0) return `${words}: ${formatBytes(bytes)}`;
  return `${words}: ${formatBytes(bytes)} of ${formatBytes(of)} (${Math.floor((100 * bytes) / of)} %)`;
}

function describe(result: SyncOutcome): string {
  switch (result.outcome) {
    case 'unchanged':
      return `unchanged: ${result.sha256} is current`;
    case 'published':
      return `published ${result.sha256}: ${result.updates} updates, ${result.files} files; ${result.factsWritten} facts were new or changed${result.stored ? '' : ' (the bytes were already held)'}`;
    case 'refused':
      return `refused, the current index stays: ${result.reason}`;
    case 'failed':
      return `failed, the current index stays: ${result.reason}`;
  }
}
