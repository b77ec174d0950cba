import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { sweepResult } from '#shared/contract/operators/views.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { withdrawnKb } from '../upstream/invent/world.ts';
import { type Check, checkLife, type Expectations, newRequests, type Observed } from './checks.ts';
import { DemoError } from './demo-error.ts';
import { bytes, type Narrator, plural } from './narrator.ts';
import type { DemoOptions } from './options.ts';
import { type FleetCounts, type ReportedHost, whyOtherCounts } from './reported-hosts.ts';
import { forbidsKb, setRules } from './rules.ts';
import { hostsInWords, publish, type Scene } from './scene.ts';
import { readSyncReport, syncInWords, whyNotPublished } from './sync-report.ts';

/** The last line of `npm start -- --once --json`. Hosts and index are what the broker knows; the rest is of this life. */
export interface LifeSummary {
  readonly index: {
    readonly sha256: string;
    readonly bytes: number;
    readonly updates: number;
    readonly files: number;
    /** Downloads of the index from Microsoft in this life. */
    readonly downloads: number;
  };
  readonly hosts: { readonly total: number; readonly ok: number; readonly pending: number; readonly error: number };
  readonly files: {
    /** Distinct files that were asked for in this life. */
    readonly requested: number;
    /** Those of them that are in the repository now. */
    readonly downloaded: number;
    /** Their length. */
    readonly bytes: number;
    /** GETs of payload files that Microsoft saw. */
    readonly upstreamGets: number;
  };
  readonly checks: readonly Check[];
}

/** A host may learn of more updates by installing some; more rounds than this mean that something does not settle. */
const maxRounds = 4;
const fetchTimeoutMilliseconds = 180_000;
/** Until the snapshot of the fleet has what hosts reported. */
const snapshotTimeoutMilliseconds = 60_000;

/** One full life: publish, sync, scan, report, request, sweep, download, pull, install, rescan. */
export async function liveOnce(scene: Scene, options: DemoOptions, narrator: Narrator): Promise<LifeSummary> {
  const { microsoft, operators, fleet } = scene;
  await publish(scene, options, narrator);
  const notPublished = await synchronise(scene, narrator);
  const downloads = microsoft.counters().indexDownloads;
  await scene.trigger('SyncIndexFunction');
  const downloadsOfSecondSync = microsoft.counters().indexDownloads - downloads;
  narrator.say(
    'sync',
    downloadsOfSecondSync === 0 ? 'asked again: nothing is downloaded' : 'asked again: the index is downloaded again',
  );
  await setRules(scene, narrator);
  await scene.published();

  const machineIds = fleet.hosts.map(({ machineId }) => machineId);
  const rounds: ReportedHost[][] = [];
  for (let round = 1; round <= maxRounds; round += 1) {
    narrator.say('hosts', round === 1 ? `${hostsInWords(fleet)} scan and report` : 'pull, install, scan again, report');
    tellRound(narrator, await fleet.round());
    const reported = await operators.reportedHosts(machineIds);
    rounds.push(reported);
    const open = (await operators.requests()).filter(({ state }) => state !== 'done' && state !== 'failed');
    if (open.length > 0) await fetchRequested(scene, open, narrator);
    else if (rounds.length > 1 && !reported.some(({ summary }) => summary.state === 'PENDING_UPDATES')) break;
  }

  const view = await operators.call(operatorEndpoints.getIndex);
  const observed: Observed = {
    fleet: fleet.hosts.map(({ machineId, profile }) => ({ machineId, profile: profile.key })),
    published: microsoft.current()?.indexSha256 ?? '',
    current: view.current?.sha256,
    ...(notPublished === undefined ? {} : { notPublished }),
    downloadsOfSecondSync,
    rounds,
    startedAt: scene.startedAt,
    requests: await operators.requests(),
    upstreamGets: microsoft.counters().byPath,
    served: new Map(),
    counted: undefined,
  };
  const requests = newRequests(observed);
  const served = await proveServed(scene, requests);
  const hosts = await settledCounts(scene, rounds.at(-1) ?? []);
  const checks = checkLife({ ...observed, served, counted: hosts }, await expectations(scene));
  const done = requests.filter(({ state }) => state === 'done');
  return {
    index: {
      sha256: view.current?.sha256 ?? '',
      bytes: view.current?.bytes ?? 0,
      updates: view.current?.updates ?? 0,
      files: view.current?.files ?? 0,
      downloads: microsoft.counters().indexDownloads,
    },
    hosts: {
      total: hosts.total,
      ok: hosts.byState.OK,
      pending: hosts.byState.PENDING_UPDATES,
      error: hosts.byState.ERROR,
    },
    files: {
      requested: requests.length,
      downloaded: done.length,
      bytes: done.reduce((sum, { size }) => sum + (size ?? 0), 0),
      upstreamGets: microsoft.counters().payloadGets,
    },
    checks,
  };
}

/** What must be in the index that is out: by its invention, or by the name of the .msu it came from. */
async function expectations({ microsoft, operators }: Scene): Promise<Expectations> {
  const file = microsoft.publishedFile();
  const kb = /kb(\d{5,8})/i.exec(file ?? '')?.[1];
  if (file !== undefined) return kb === undefined ? {} : { offeredKbs: [kb] };
  const rules = await operators.call(operatorEndpoints.getRules);
  return forbidsKb(rules, withdrawnKb) ? { forbiddenKb: withdrawnKb } : {};
}

/** @returns why the index that is out did not become the current one; undefined when it did, or was it already */
async function synchronise(scene: Scene, narrator: Narrator): Promise<string | undefined> {
  const report = readSyncReport(await scene.trigger('SyncIndexFunction'));
  const notPublished = report && whyNotPublished(report);
  const { current } = await scene.operators.call(operatorEndpoints.getIndex);
  if (current === undefined) {
    throw new DemoError('function-failed', `there is no index in the repository: ${notPublished ?? 'see stack.log'}`);
  }
  narrator.say('sync', report === undefined ? 'asked, and got no answer that can be read' : syncInWords(report));
  if (notPublished !== undefined) narrator.say('sync', 'the index that was current before stays it');
  return notPublished;
}

function tellRound(narrator: Narrator, cycles: Awaited<ReturnType<Scene['fleet']['round']>>): void {
  const results = cycles.map(({ result }) => result);
  const count = (pick: (result: (typeof results)[number]) => number): number =>
    results.reduce((sum, result) => sum + pick(result), 0);
  const inState = (state: string): number =>
    count(({ updates }) => updates.filter((update) => update.state === state).length);
  const states = ['OK', 'PENDING', 'MISSING', 'DISCARDED', 'ERROR', 'SUPERSEDED']
    .map((state) => ({ state, number: inState(state) }))
    .filter(({ number }) => number > 0)
    .map(({ state, number }) => `${number} ${state}`)
    .join(', ');
  const downloaded = count(({ downloads }) => downloads.filter(({ outcome }) => outcome === 'downloaded').length);
  const received = count(({ downloads }) =>
    downloads.reduce((sum, one) => sum + (one.outcome === 'downloaded' ? one.bytesReceived : 0), 0),
  );
  const installed = count(({ installs }) => installs.filter(({ outcome }) => outcome === 'installed').length);
  if (downloaded + installed > 0) {
    narrator.say(
      'hosts',
      `pulled ${plural(downloaded, 'file')} (${bytes(received)}), installed ${plural(installed, 'update')}`,
    );
  }
  narrator.say('hosts', `updates: ${states || 'none'}`);
  const needs = new Set(results.flatMap((result) => result.needs));
  if (needs.size > 0) narrator.say('hosts', `ask for ${plural(needs.size, 'distinct file')} that the repository lacks`);
  const problems = results.flatMap((result) => [
    ...new Set(result.problems.map(({ phase, message }) => `${phase}: ${message}`)),
  ]);
  const hostsByProblem = Map.groupBy(problems, (problem) => problem);
  for (const [problem, hosts] of [...hostsByProblem].slice(0, 5)) {
    narrator.say('hosts', `${problem} (${plural(hosts.length, 'host')})`);
  }
}

/** Sweeps, and waits until the worker has settled every request. */
async function fetchRequested(scene: Scene, open: readonly FileRequest[], narrator: Narrator): Promise<void> {
  const swept = sweepResult.safeParse(await scene.trigger('SweepRequestsFunction'));
  narrator.say('sweep', `${plural(swept.success ? swept.data.queued : open.length, 'request')} put on the queue`);
  const wanted = new Set(open.map(({ sha1 }) => sha1));
  const end = performance.now() + fetchTimeoutMilliseconds;
  let told = -1;
  for (;;) {
    const requests = (await scene.operators.requests()).filter(({ sha1 }) => wanted.has(sha1));
    const done = requests.filter(({ state }) => state === 'done');
    const settled = requests.filter(({ state }) => state === 'done' || state === 'failed');
    const all = settled.length === wanted.size;
    if (all || done.length >= told + Math.max(10, wanted.size / 4)) {
      told = done.length;
      const size = bytes(done.reduce((sum, request) => sum + (request.size ?? 0), 0));
      narrator.say('worker', `${done.length} of ${plural(wanted.size, 'file')} fetched and proved (${size})`);
    }
    if (all) break;
    if (performance.now() > end) {
      narrator.say('worker', `${wanted.size - settled.length} requests did not settle in time; see stack.log`);
      break;
    }
    await sleep(500);
  }
}

/** The broker's own counts of the fleet, which come from a snapshot: awaited until it has this last round. */
async function settledCounts({ operators }: Scene, last: readonly ReportedHost[]): Promise<FleetCounts> {
  const end = performance.now() + snapshotTimeoutMilliseconds;
  for (;;) {
    const { hosts } = await operators.call(operatorEndpoints.getStatus);
    if (whyOtherCounts(hosts, last) === undefined || performance.now() > end) return hosts;
    await sleep(500);
  }
}

/** Reads each new file back from the repository, as any enrolled host may, and hashes it. */
async function proveServed(scene: Scene, requests: readonly FileRequest[]): Promise<Observed['served']> {
  const served = new Map<string, { sha1: string; sha256: string }>();
  const cookie = await scene.fleet.repositoryCookies();
  for (const request of requests) {
    if (request.state !== 'done') continue;
    const key = buildKey({ kind: 'payload', sha256: request.sha256 });
    const url = new URL(key, `${scene.output('RepositoryUrl').replace(/\/$/, '')}/`);
    const response = await fetch(url, { headers: { cookie } });
    const [sha1, sha256] = [createHash('sha1'), createHash('sha256')];
    for await (const chunk of response.body ?? []) {
      sha1.update(chunk);
      sha256.update(chunk);
    }
    served.set(request.sha256, { sha1: sha1.digest('hex'), sha256: sha256.digest('hex') });
  }
  return served;
}
