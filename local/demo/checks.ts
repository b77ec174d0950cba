import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { plural } from './narrator.ts';
import { type FleetCounts, type ReportedHost, whyOtherCounts } from './reported-hosts.ts';

/** Something that must hold at the end of a life. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found instead, when it does not hold. */
  readonly why?: string;
}

/** A host of the fleet, as far as the checks know it by themselves. */
interface KnownHost {
  readonly machineId: string;
  readonly profile: string;
}

/** What was observed: from the operators' API and from the counters of the fake Microsoft. */
export interface Observed {
  readonly fleet: readonly KnownHost[];
  /** SHA-256 of the index that Microsoft has out, and of the one that the broker holds. */
  readonly published: string;
  readonly current: string | undefined;
  /** Why the broker did not take over what Microsoft has out, in its own words. */
  readonly notPublished?: string;
  /** Downloads of the index by the second synchronisation. */
  readonly downloadsOfSecondSync: number;
  /** Reports after each round of the fleet. */
  readonly rounds: readonly (readonly ReportedHost[])[];
  /** When this life began, before anything ran. ISO 8601. */
  readonly startedAt: string;
  /** All requests at the end. */
  readonly requests: readonly FileRequest[];
  /** GETs of payload files in this life, by path. */
  readonly upstreamGets: Readonly<Record<string, number>>;
  /** SHA-256 → SHA-1 and SHA-256 of the bytes that the repository serves under that key. */
  readonly served: ReadonlyMap<string, { readonly sha1: string; readonly sha256: string }>;
  /** What the broker counts, in its snapshot of the fleet. */
  readonly counted: FleetCounts | undefined;
}

/**
 * Real updates of which it is known, from Microsoft's description of them, on which kinds of machines they go. The scan
 * must come to the same by itself.
 */
const knownUpdates: ReadonlyMap<string, readonly string[]> = new Map([
  // Universal C Runtime, x64: https://support.microsoft.com/help/2999226
  ['2999226', ['windows7-sp1-x64', 'server2008r2-sp1-x64']],
]);

/** Requests that this life had to bring to their end: all but those that were settled before it. */
export function newRequests({ startedAt, requests }: Pick<Observed, 'startedAt' | 'requests'>): FileRequest[] {
  const start = Date.parse(startedAt);
  return requests.filter((request) => {
    if (request.state === 'done') return Date.parse(request.doneAt) >= start;
    return request.state !== 'failed' || Date.parse(request.failedAt) >= start;
  });
}

/** What the index is known to hold, from elsewhere than from what the hosts made of it. */
export interface Expectations {
  /** A KB that the rules forbid and that some host must be offered. */
  readonly forbiddenKb?: string;
  /** KBs that the index offers; of these, those in {@link knownUpdates} are checked host by host. */
  readonly offeredKbs?: readonly string[];
}

export function checkLife(observed: Observed, { forbiddenKb, offeredKbs = [] }: Expectations): Check[] {
  const last = observed.rounds.at(-1) ?? [];
  const fleet = new Set(observed.fleet.map(({ machineId }) => machineId));
  const ours = last.filter(({ summary }) => fleet.has(summary.machineId));
  const requests = newRequests(observed);
  const givenUp = givenUpBefore(observed);
  const but = givenUp.size === 0 ? '' : `, but for ${plural(givenUp.size, 'file')} given up in an earlier life`;
  const checks: Check[] = [
    check('the repository holds the index that Microsoft published', whyAnotherIndex(observed)),
    check(
      'an unchanged index is not downloaded again',
      observed.downloadsOfSecondSync > 0 && plural(observed.downloadsOfSecondSync, 'download'),
    ),
    check(`each of the ${plural(fleet.size, 'host')} reported in this life, on that index`, whySilent(observed, ours)),
    check(
      'every host can use the index',
      ours.length === 0
        ? 'no host reported'
        : list(ours, ({ report, summary }) => report.indexProblem && `${summary.machineId}: ${report.indexProblem}`),
    ),
    check(
      'every update on every host has a state and a reason',
      list(ours, (view) => updateWhere(view, ({ reason }) => reason.trim() === '')),
    ),
    check('what hosts need was requested, and nothing else', whyOtherRequests(observed)),
    check(
      'every requested file arrived',
      list(requests, (request) => request.state !== 'done' && `${nameOf(request)}: ${stateInWords(request)}`),
    ),
    check('each file was fetched from Microsoft once', whyFetchedOtherwise(observed)),
    check(
      'each new file in the repository has the SHA-1 it was asked by and the SHA-256 it is stored under',
      list(requests, (request) => !isProved(request, observed) && nameOf(request)),
    ),
    check(
      `no allowed update is left to do${but}`,
      list(ours, (view) => updateWhere(view, (update) => isLeft(update) && !hasAny(update, givenUp))),
    ),
    check(
      `every host is OK${but}`,
      ours.length === 0
        ? 'no host reported'
        : list(ours, (view) => {
            const excused = view.report.updates.some((update) => isLeft(update) && hasAny(update, givenUp));
            const { machineId, state } = view.summary;
            return state !== 'OK' && !(excused && state === 'PENDING_UPDATES') && `${machineId} is ${state}`;
          }),
    ),
  ];
  if (observed.counted !== undefined) {
    checks.push(check('the broker counts its hosts as they are', whyOtherCounts(observed.counted, ours)));
  }
  if (forbiddenKb !== undefined) checks.push(forbiddenCheck(forbiddenKb, ours));
  for (const kb of offeredKbs) {
    const profiles = knownUpdates.get(kb);
    if (profiles) checks.push(...knownUpdateChecks(kb, profiles, observed, ours));
  }
  return checks;
}

/** @param problem nothing, or false, when it holds */
const check = (name: string, problem: string | false | undefined): Check =>
  problem === undefined || problem === false ? { name, ok: true } : { name, ok: false, why: problem };

/** The first few of those that have something to say, and how many more there are; undefined when none has. */
function list<T>(things: readonly T[], say: (thing: T) => string | false | undefined): string | undefined {
  const said = things.map(say).filter((text) => text !== undefined && text !== false);
  if (said.length === 0) return undefined;
  const more = said.length > 3 ? `; and ${said.length - 3} more` : '';
  return `${said.slice(0, 3).join('; ')}${more}`;
}

type UpdateReport = ReportedUpdate;

function updateWhere(
  { summary, report }: ReportedHost,
  matches: (update: UpdateReport) => boolean,
): string | undefined {
  const found = report.updates.filter(matches);
  const [first] = found;
  if (first === undefined) return undefined;
  const name = first.kbs.length > 0 ? `KB${first.kbs[0]}` : first.updateId;
  const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
  return `${name}${more} on ${summary.machineId} is ${first.state} (${first.reason.trim() || 'no reason given'})`;
}

const isLeft = ({ state }: UpdateReport): boolean => state === 'PENDING' || state === 'MISSING' || state === 'ERROR';

const hasAny = ({ files }: UpdateReport, sha1s: ReadonlySet<string>): boolean => files.some((sha1) => sha1s.has(sha1));

/** SHA-1 of the files that were given up before this life: it is not asked for them again, and not judged by them. */
function givenUpBefore({ startedAt, requests }: Observed): ReadonlySet<string> {
  const start = Date.parse(startedAt);
  return new Set(
    requests
      .filter((request) => request.state === 'failed' && Date.parse(request.failedAt) < start)
      .map(({ sha1 }) => sha1),
  );
}

const nameOf = ({ name, sha1 }: FileRequest): string => name ?? `SHA-1 ${sha1}`;

const stateInWords = ({ state, lastError }: FileRequest): string =>
  lastError === undefined ? state : `${state} (${lastError})`;

function whyAnotherIndex({ current, published, notPublished }: Observed): string | undefined {
  if (current === published) return undefined;
  const holds = current === undefined ? 'no index' : `${current.slice(0, 12)}…`;
  return notPublished ?? `it holds ${holds}, and Microsoft has ${published.slice(0, 12)}… out`;
}

function whySilent({ startedAt, current, fleet }: Observed, ours: readonly ReportedHost[]): string | undefined {
  const views = new Map(ours.map((view) => [view.summary.machineId, view]));
  return list(fleet, ({ machineId }) => {
    const view = views.get(machineId);
    if (view === undefined) return `${machineId} did not report`;
    const { scannedAt } = view;
    if (Date.parse(scannedAt) < Date.parse(startedAt)) return `${machineId} is silent since ${scannedAt}`;
    const on = view.report.indexSha256;
    return on !== current && `${machineId} is on ${on === undefined ? 'no index' : `index ${on.slice(0, 12)}…`}`;
  });
}

function forbiddenCheck(kb: string, views: readonly ReportedHost[]): Check {
  const isIt = ({ kbs }: UpdateReport): boolean => kbs.includes(kb);
  const name = `KB${kb} is forbidden: discarded with that reason wherever it is offered`;
  if (!views.some(({ report }) => report.updates.some(isIt))) return check(name, 'no host is offered it');
  const isDiscarded = ({ state, reason }: UpdateReport): boolean =>
    state === 'DISCARDED' && /^forbidden (until \S+ )?by /.test(reason) && reason.includes(`KB${kb}`);
  return check(
    name,
    list(views, (view) => updateWhere(view, (update) => isIt(update) && !isDiscarded(update))),
  );
}

function knownUpdateChecks(
  kb: string,
  profiles: readonly string[],
  observed: Observed,
  last: readonly ReportedHost[],
): Check[] {
  const updateOf = (view: ReportedHost | undefined) => view?.report.updates.find(({ kbs }) => kbs.includes(kb));
  const all = observed.rounds.flat();
  const expected = observed.fleet.filter(({ profile }) => profiles.includes(profile));
  const others = observed.fleet.filter(({ profile }) => !profiles.includes(profile));
  const viewsOf = ({ machineId }: KnownHost): ReportedHost[] =>
    all.filter(({ summary }) => summary.machineId === machineId);
  // After a crash the file may be there before the host asks again.
  const asked = (host: KnownHost): boolean =>
    viewsOf(host).some((view) => {
      const { files = [], state } = updateOf(view) ?? {};
      return files.length > 0 && (state === 'PENDING' || files.every((sha1) => view.report.needs.includes(sha1)));
    });
  const files = new Set(all.flatMap((view) => updateOf(view)?.files ?? []));
  const requests = newRequests(observed).filter(({ sha1 }) => files.has(sha1));
  // A life after the first finds it installed and asks no more; one after a crash may find the file there.
  const already = expected.every((host) => viewsOf(host).every((view) => updateOf(view)?.state === 'OK'));
  const lacking = expected.some((host) => viewsOf(host).some((view) => updateOf(view)?.state === 'MISSING'));
  const stateOf = ({ machineId }: KnownHost) =>
    updateOf(last.find(({ summary }) => summary.machineId === machineId))?.state;
  const name = `KB${kb}`;
  const notOffered = (host: KnownHost): boolean => viewsOf(host).length > 0 && viewsOf(host).every((v) => !updateOf(v));
  const elsewhere = check(
    `${name} is not needed on the other ${plural(others.length, 'host')}`,
    list(others, (host) => !notOffered(host) && `${host.machineId} is offered it, or did not report`),
  );
  // One that was given up in an earlier life is not there to be judged.
  const givenUp = givenUpBefore(observed);
  if (expected.length === 0 || [...files].some((sha1) => givenUp.has(sha1))) return [elsewhere];
  const wanted = lacking ? files.size : 0;
  return [
    check(
      already
        ? `${name} is still installed on the ${plural(expected.length, 'host')} it applies to`
        : `${name} is requested by the ${plural(expected.length, 'host')} it applies to`,
      !already && list(expected, (host) => !asked(host) && `${host.machineId} does not ask for it`),
    ),
    check(
      lacking ? `${name} is fetched once and proved by SHA-1 and SHA-256` : `${name} is not fetched again`,
      requests.length === wanted
        ? (list(requests, (request) => !isProved(request, observed) && `${nameOf(request)} is not proved`) ??
            whyFetchedOtherwise(observed))
        : `${plural(requests.length, 'request')} in this life, and not ${wanted}`,
    ),
    check(
      `${name} is installed and OK on them`,
      list(expected, (host) => stateOf(host) !== 'OK' && `${host.machineId}: ${stateOf(host) ?? 'not offered'}`),
    ),
    elsewhere,
  ];
}

/** At most once: a file that a crash left half recorded is found in the repository and not fetched again. */
function whyFetchedOtherwise(observed: Observed): string | undefined {
  const gets = Object.entries(observed.upstreamGets);
  const requests = newRequests(observed).length;
  if (gets.length > requests) return `${plural(gets.length, 'file')} fetched for ${plural(requests, 'request')}`;
  return list(gets, ([path, count]) => count !== 1 && `${path} ${count} times`);
}

function isProved(request: FileRequest, { served }: Observed): boolean {
  if (request.state !== 'done') return false;
  const found = served.get(request.sha256);
  return found?.sha1 === request.sha1 && found.sha256 === request.sha256;
}

/** A life after a crash also ends what the one before it asked for; what was asked for in this one, some host needs. */
function whyOtherRequests({ rounds, startedAt, requests }: Observed): string | undefined {
  const needed = new Set(rounds.flat().flatMap(({ report }) => report.needs));
  const known = new Set(requests.map(({ sha1 }) => sha1));
  const start = Date.parse(startedAt);
  const asked = requests.filter(({ requestedAt }) => Date.parse(requestedAt) >= start);
  return (
    list([...needed], (sha1) => !known.has(sha1) && `SHA-1 ${sha1} is needed and not requested`) ??
    list(asked, (request) => !needed.has(request.sha1) && `${nameOf(request)} was requested and is not needed`)
  );
}
