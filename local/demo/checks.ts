import type { HostView } from '#shared/contract/operators/views.ts';
import type { FileRequest } from '#shared/contract/requests.ts';

/** Something that must hold at the end of a life. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
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
  /** Downloads of the index by the second synchronisation. */
  readonly downloadsOfSecondSync: number;
  /** Reports after each round of the fleet. */
  readonly rounds: readonly (readonly HostView[])[];
  /** When this life began, before anything ran. ISO 8601. */
  readonly startedAt: string;
  /** All requests at the end. */
  readonly requests: readonly FileRequest[];
  /** GETs of payload files in this life, by path. */
  readonly upstreamGets: Readonly<Record<string, number>>;
  /** SHA-256 → SHA-1 and SHA-256 of the bytes that the repository serves under that key. */
  readonly served: ReadonlyMap<string, { readonly sha1: string; readonly sha256: string }>;
}

/**
 * Real updates of which it is known, from Microsoft's description of them, on which kinds of machines they go. The scan
 * must come to the same by itself.
 */
const knownUpdates: ReadonlyMap<string, readonly string[]> = new Map([
  // Universal C Runtime, x64: https://support.microsoft.com/help/2999226
  ['2999226', ['windows7-sp1-x64', 'server2008r2-sp1-x64']],
]);

/** Requests that this life had to bring to their end: all but those that were done before it. */
export function newRequests({ startedAt, requests }: Pick<Observed, 'startedAt' | 'requests'>): FileRequest[] {
  const start = Date.parse(startedAt);
  return requests.filter((request) => request.state !== 'done' || Date.parse(request.doneAt) >= start);
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
  const needed = new Set(observed.rounds.flat().flatMap(({ report }) => report.needs));
  const states = ours.flatMap(({ report }) => report.updates);
  const checks: Check[] = [
    { name: 'the repository holds the index that Microsoft published', ok: observed.current === observed.published },
    { name: 'an unchanged index is not downloaded again', ok: observed.downloadsOfSecondSync === 0 },
    {
      name: `each of the ${fleet.size} hosts reported in this life, on that index`,
      ok:
        ours.length === fleet.size &&
        ours.every(
          ({ summary, report }) =>
            Date.parse(summary.reportedAt) >= Date.parse(observed.startedAt) && report.indexSha256 === observed.current,
        ),
    },
    usableIndexCheck(ours),
    {
      name: 'every update on every host has a state and a reason',
      ok: states.every(({ reason }) => reason.trim() !== ''),
    },
    {
      name: 'what hosts need was requested, and nothing else',
      ok: isRequested(needed, observed),
    },
    { name: 'every requested file arrived', ok: requests.every(({ state }) => state === 'done') },
    { name: 'each file was fetched from Microsoft once', ok: isFetchedOnce(observed) },
    {
      name: 'each new file in the repository has the SHA-1 it was asked by and the SHA-256 it is stored under',
      ok: requests.every((request) => isProved(request, observed)),
    },
    {
      name: 'no allowed update is left to do',
      ok: states.every(({ state }) => state !== 'PENDING' && state !== 'MISSING' && state !== 'ERROR'),
    },
    { name: 'every host is OK', ok: ours.length > 0 && ours.every(({ summary }) => summary.state === 'OK') },
  ];
  if (forbiddenKb !== undefined) checks.push(forbiddenCheck(forbiddenKb, ours));
  for (const kb of offeredKbs) {
    const profiles = knownUpdates.get(kb);
    if (profiles) checks.push(...knownUpdateChecks(kb, profiles, observed, ours));
  }
  return checks;
}

function usableIndexCheck(views: readonly HostView[]): Check {
  const [first, ...more] = views.filter(({ report }) => report.indexProblem !== undefined);
  const name = 'every host can use the index';
  if (first === undefined) return { name, ok: views.length > 0 };
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return { name: `${name}, but not ${first.summary.machineId}${others}: ${first.report.indexProblem}`, ok: false };
}

function forbiddenCheck(kb: string, views: readonly HostView[]): Check {
  const offered = views.flatMap(({ report }) => report.updates.filter(({ kbs }) => kbs.includes(kb)));
  return {
    name: `KB${kb} is forbidden: discarded with that reason wherever it is offered`,
    ok:
      offered.length > 0 &&
      offered.every(({ state, reason }) => state === 'DISCARDED' && reason.includes(kb) && /forbidden/i.test(reason)),
  };
}

function knownUpdateChecks(
  kb: string,
  profiles: readonly string[],
  observed: Observed,
  last: readonly HostView[],
): Check[] {
  const updateOf = (view: HostView | undefined) => view?.report.updates.find(({ kbs }) => kbs.includes(kb));
  const all = observed.rounds.flat();
  const expected = observed.fleet.filter(({ profile }) => profiles.includes(profile));
  const others = observed.fleet.filter(({ profile }) => !profiles.includes(profile));
  const viewsOf = ({ machineId }: KnownHost): HostView[] =>
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
  const elsewhere: Check = {
    name: `${name} is not needed on the other ${others.length} hosts`,
    ok: others.every((host) => viewsOf(host).length > 0 && viewsOf(host).every((view) => !updateOf(view))),
  };
  if (expected.length === 0) return [elsewhere];
  return [
    {
      name: already
        ? `${name} is still installed on the ${expected.length} hosts it applies to`
        : `${name} is requested by the ${expected.length} hosts it applies to`,
      ok: already || expected.every(asked),
    },
    {
      name: lacking ? `${name} is fetched once and proved by SHA-1 and SHA-256` : `${name} is not fetched again`,
      ok:
        requests.length === (lacking ? files.size : 0) &&
        requests.every((request) => isProved(request, observed)) &&
        isFetchedOnce(observed),
    },
    { name: `${name} is installed and OK on them`, ok: expected.every((host) => stateOf(host) === 'OK') },
    elsewhere,
  ];
}

/** At most: a file that a crash left half recorded is found in the repository and not fetched again. */
function isFetchedOnce(observed: Observed): boolean {
  const gets = Object.values(observed.upstreamGets);
  return gets.length <= newRequests(observed).length && gets.every((count) => count === 1);
}

function isProved(request: FileRequest, { served }: Observed): boolean {
  if (request.state !== 'done') return false;
  const found = served.get(request.sha256);
  return found?.sha1 === request.sha1 && found.sha256 === request.sha256;
}

/** A life after a crash also ends what the one before it asked for; what was asked for in this one, some host needs. */
function isRequested(needed: ReadonlySet<string>, { startedAt, requests }: Observed): boolean {
  const known = new Set(requests.map(({ sha1 }) => sha1));
  const start = Date.parse(startedAt);
  const asked = requests.filter(({ requestedAt }) => Date.parse(requestedAt) >= start);
  return [...needed].every((sha1) => known.has(sha1)) && asked.every(({ sha1 }) => needed.has(sha1));
}
