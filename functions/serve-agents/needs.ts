import type { ReportAnswer } from '#shared/contract/agent/report.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { AgentPorts } from './ports.ts';
import { inTurn } from './turn.ts';

type NeedsPorts = Pick<AgentPorts, 'catalog' | 'payloads' | 'requests' | 'hosts' | 'filesPerDay'>;

/** Which host asks, and when. */
interface Asked {
  readonly by: string;
  readonly at: string;
}

type Answer = Pick<ReportAnswer, 'requested' | 'refused'>;

/**
 * Requests what a host needs and the repository lacks. What a host says is a demand signal only: names, sizes and
 * addresses of files come from the catalogue, and a digest that it does not have is refused by name, as are more files in a
 * day than one host may have fetched. Asking again changes nothing, but for files that were given up or refused long enough
 * ago.
 *
 * @throws ProblemError `throttled` when several reports of one host ask for files at once
 */
export async function requestNeeds(ports: NeedsPorts, needs: readonly string[], asked: Asked): Promise<Answer> {
  const facts = await ports.catalog.fileFacts(needs);
  const reasons = new Map<string, string>();
  for (const sha1 of needs) {
    const reason = refusalOf(facts.get(sha1));
    if (reason !== undefined) reasons.set(sha1, reason);
  }
  const held = await ports.payloads.held(needs.filter((sha1) => !reasons.has(sha1)));
  const wanted = needs.filter((sha1) => !reasons.has(sha1) && !held.has(sha1));
  const { requested, overBound } = await request(ports, wanted, facts, asked);
  for (const sha1 of overBound) reasons.set(sha1, boundReason(ports.filesPerDay, asked.at));
  const refused = needs.flatMap((sha1) => {
    const reason = reasons.get(sha1);
    return reason === undefined ? [] : [{ sha1, reason }];
  });
  return { requested, refused };
}

function refusalOf(facts: PayloadFile | undefined): string | undefined {
  if (facts === undefined) return 'no publication of the index names this digest';
  if (facts.url === undefined) return 'the index names no address for this file';
  return undefined;
}

/** The day (UTC) that lies so many days after a time. */
const dayOf = (at: string, later = 0): string =>
  new Date(Date.parse(at) + later * 86_400_000).toISOString().slice(0, 'YYYY-MM-DD'.length);

const boundReason = (filesPerDay: number, at: string): string =>
  `this host had ${filesPerDay} files fetched on ${dayOf(at)}, the most for one host in a day; ask again from ${dayOf(at, 1)} on`;

/** Opens at a time; a first report after a new index can need hundreds. */
const parallelOpens = 16;

/** @returns the digests that are under way now, just opened or by an earlier report, and those that are too many */
async function request(
  ports: NeedsPorts,
  wanted: readonly string[],
  facts: ReadonlyMap<string, PayloadFile>,
  asked: Asked,
): Promise<{ readonly requested: string[]; readonly overBound: readonly string[] }> {
  const known = await ports.requests.get(wanted);
  const underWay = new Set<string>();
  const isUnderWay = (sha1: string): boolean => {
    const state = known.get(sha1)?.state;
    return state === 'open' || state === 'queued' || state === 'fetching';
  };
  for (const sha1 of wanted) if (isUnderWay(sha1)) underWay.add(sha1);

  // Reads are cheaper than writes that fail: only the others are written, each on its condition.
  const unopened = wanted.filter((sha1) => !underWay.has(sha1));
  const { inBound, overBound } = await withinBound(ports, unopened, asked);
  let opened = 0;
  for (let start = 0; start < inBound.length; start += parallelOpens) {
    const opening = inBound.slice(start, start + parallelOpens).map(async (sha1) => {
      const { name, size } = facts.get(sha1) ?? {};
      const answer = await ports.requests.open({ sha1, name, size, requestedBy: asked.by, requestedAt: asked.at });
      if (answer === 'opened') opened += 1;
      if (answer !== 'failed-recently') underWay.add(sha1);
    });
    await Promise.all(opening);
  }
  // What others opened first, or was given up lately, is not on this host's account.
  const unused = inBound.length - opened;
  if (unused > 0) await ports.hosts.returnOpenings(asked.by, { day: dayOf(asked.at), count: unused });
  return { requested: wanted.filter((sha1) => underWay.has(sha1)), overBound };
}

/** Divides files by whether this host may still have them fetched today; those that may be are counted. */
async function withinBound(
  { hosts, filesPerDay }: Pick<NeedsPorts, 'hosts' | 'filesPerDay'>,
  sha1s: readonly string[],
  { by, at }: Asked,
): Promise<{ readonly inBound: readonly string[]; readonly overBound: readonly string[] }> {
  if (sha1s.length === 0) return { inBound: [], overBound: [] };
  const counted = hosts.takeOpenings(by, { day: dayOf(at), wanted: sha1s.length, limit: filesPerDay });
  const taken = await inTurn(counted);
  return { inBound: sha1s.slice(0, taken), overBound: sha1s.slice(taken) };
}
