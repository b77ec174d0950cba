import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { agentCommand, fromFolder, shellWord } from './agent-command.ts';
import { bytes, type Narrator, plural } from './narrator.ts';
import type { DemoOptions } from './options.ts';
import { setRules } from './rules.ts';
import { hostsInWords, indexInWords, publish, type Scene } from './scene.ts';
import type { CycleTally } from './tally.ts';

/** Microsoft's months in this world, divided by the speed: at the default speed of 120 a new one each three minutes. */
const monthSeconds = 6 * 3600;
/** How often the picture of the whole is looked at; told only when it changed. */
const lookSeconds = 5;
/** After it the schedule has to do. */
const firstSyncTimeoutMilliseconds = 120_000;

/**
 * Stays up until the signal says stop: functions run on their schedules, hosts on theirs, and Microsoft publishes a new
 * month now and then.
 */
export async function stayUp(
  scene: Scene,
  options: DemoOptions,
  narrator: Narrator,
  tally: CycleTally,
  signal: AbortSignal,
): Promise<void> {
  await publish(scene, options, narrator);
  await firstSync(scene, narrator, signal);
  await setRules(scene, narrator);
  await scene.published();
  tellAddresses(scene, options, narrator);
  narrator.say('hosts', `${hostsInWords(scene.fleet)} check in from time to time; Ctrl-C ends all of it`);
  await Promise.all([
    scene.fleet.run(signal),
    watch(scene, narrator, tally, signal),
    publishMonths(scene, options, narrator, signal),
  ]);
}

/** An operator asks for the index when there is none yet: hosts would have nothing to scan until the schedule comes round. */
async function firstSync({ operators }: Scene, narrator: Narrator, signal: AbortSignal): Promise<void> {
  const { current } = await operators.call(operatorEndpoints.getIndex);
  if (current !== undefined) return;
  narrator.say('operator', 'asks for a first synchronisation of the index');
  let run = await operators.call(operatorEndpoints.startSync, { body: {} });
  const end = performance.now() + firstSyncTimeoutMilliseconds;
  while (run.state === 'started' && performance.now() < end && (await waited(500, signal))) {
    run = await operators.call(operatorEndpoints.getSync, { params: { runId: run.runId } });
  }
  // How it ended is in the log of the stack, and told from there.
  if (run.state === 'started' && !signal.aborted) {
    narrator.say('sync', 'is still at work; hosts wait for it');
  }
}

function tellAddresses(scene: Scene, options: DemoOptions, narrator: Narrator): void {
  // The command line looks there by itself.
  const isDefault = options.data === resolve('.kbroker');
  const profile = isDefault ? '' : ` --profile-file ${shellWord(fromFolder(scene.profileFile, process.cwd()))}`;
  narrator.say(
    'addresses',
    [
      `operators' and agents' API  ${scene.output('ApiUrl')}`,
      `repository                  ${scene.output('RepositoryUrl')}`,
      `steer the fake Microsoft    ${scene.control.url}`,
      `  new month   curl -X POST ${scene.control.url}/publications`,
      `  fault       curl -X POST ${scene.control.url}/faults -d '{"path":"\\\\.cab$","kind":{"type":"status","status":503},"times":3}'`,
      `command line                npx kbroker status${profile}`,
      `  as another  npx kbroker login --as viewer${profile} (or operator, administrator; without --as in the browser)`,
      'one more agent              describe its machine in pc.json as docs/simulated-hosts.md says, then',
      `  ${agentCommand(scene.agentPlaces, process.cwd())}`,
      `log of the stack            ${options.data}/stack.log`,
    ].join('\n'),
  );
}

/** What will be published by itself, in words. */
function monthsInWords({ microsoft }: Scene, { newMonths, speed }: DemoOptions): string {
  if (microsoft.publishedFile() !== undefined) return 'publishes nothing by itself: a real index is out';
  if (!newMonths) return 'publishes nothing by itself (--no-new-months)';
  const seconds = Math.max(1, Math.round(monthSeconds / speed));
  const time = seconds % 60 === 0 ? plural(seconds / 60, 'minute') : plural(seconds, 'second');
  return `publishes a new month by itself every ${time}; npm start -- --no-new-months stops that`;
}

async function publishMonths(
  scene: Scene,
  options: DemoOptions,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<void> {
  narrator.say('Microsoft', monthsInWords(scene, options));
  if (!options.newMonths) return;
  while (await waited((monthSeconds / options.speed) * 1000, signal)) {
    // An invented month does not go with a real index, of this life or of an earlier one.
    if (scene.microsoft.publishedFile() !== undefined) continue;
    const now = await scene.microsoft.publishNext();
    narrator.say('Microsoft', `publishes ${indexInWords(now)}`);
  }
}

/** Tells what hosts did, and the numbers of the operators' status whenever they changed. */
async function watch(scene: Scene, narrator: Narrator, tally: CycleTally, signal: AbortSignal): Promise<void> {
  let told = '';
  while (await waited(lookSeconds * 1000, signal)) {
    const happened = tally.take();
    if (happened !== undefined) narrator.say('hosts', happened);
    try {
      const { hosts, requests, payloads, index } = await scene.operators.call(operatorEndpoints.getStatus);
      const { byState } = requests;
      const text =
        `index ${index.current?.sha256.slice(0, 12) ?? 'none'}; ` +
        `hosts ${hosts.byState.OK} OK, ${hosts.byState.PENDING_UPDATES} pending, ${hosts.byState.ERROR} in error; ` +
        `requests ${byState.open} open, ${byState.queued + byState.fetching} on the way, ${byState.failed} failed; ` +
        `repository ${plural(payloads.files, 'file')} (${bytes(payloads.bytes)})`;
      if (text !== told) narrator.say('status', text);
      told = text;
    } catch (error) {
      if (signal.aborted) return;
      narrator.say('status', `cannot be had: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** False when the signal came first. */
async function waited(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(milliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
