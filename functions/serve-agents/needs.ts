import type { ReportAnswer } from '#shared/contract/agent/report.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { AgentPorts } from './ports.ts';

/**
 * Requests what a host needs and the repository lacks. What a host says is a demand signal only: names, sizes and
 * addresses of files come from the catalogue, and a digest that it does not have is refused by name. Asking again changes
 * nothing, but for files that were given up long enough ago.
 */
export async function requestNeeds(
  ports: Pick<AgentPorts, 'catalog' | 'payloads' | 'requests'>,
  needs: readonly string[],
  asked: { readonly by: string; readonly at: string },
): Promise<Pick<ReportAnswer, 'requested' | 'refused'>> {
  const facts = await ports.catalog.fileFacts(needs);
  const refused = needs.flatMap((sha1) => {
    const reason = refusalOf(facts.get(sha1));
    return reason === undefined ? [] : [{ sha1, reason }];
  });
  const refusedSha1s = new Set(refused.map(({ sha1 }) => sha1));
  const held = await ports.payloads.held(needs.filter((sha1) => !refusedSha1s.has(sha1)));
  const wanted = needs.filter((sha1) => !refusedSha1s.has(sha1) && !held.has(sha1));
  return { requested: await request(ports, wanted, facts, asked), refused };
}

function refusalOf(facts: PayloadFile | undefined): string | undefined {
  if (facts === undefined) return 'no publication of the index names this digest';
  if (facts.url === undefined) return 'the index names no address for this file';
  return undefined;
}

/** Opens at a time; a first report after a new index can need thousands. */
const parallelOpens = 16;

/** @returns the digests that are under way now: just opened, or opened by an earlier report */
async function request(
  ports: Pick<AgentPorts, 'requests'>,
  wanted: readonly string[],
  facts: ReadonlyMap<string, PayloadFile>,
  asked: { readonly by: string; readonly at: string },
): Promise<string[]> {
  const known = await ports.requests.get(wanted);
  const underWay = new Set<string>();
  const isUnderWay = (sha1: string): boolean => {
    const state = known.get(sha1)?.state;
    return state === 'open' || state === 'queued' || state === 'fetching';
  };
  for (const sha1 of wanted) if (isUnderWay(sha1)) underWay.add(sha1);

  // Reads are cheaper than writes that fail: only the others are written, each on its condition.
  const unopened = wanted.filter((sha1) => !underWay.has(sha1));
  for (let start = 0; start < unopened.length; start += parallelOpens) {
    const opened = unopened.slice(start, start + parallelOpens).map(async (sha1) => {
      const { name, size } = facts.get(sha1) ?? {};
      const answer = await ports.requests.open({ sha1, name, size, requestedBy: asked.by, requestedAt: asked.at });
      if (answer !== 'failed-recently') underWay.add(sha1);
    });
    await Promise.all(opened);
  }
  return wanted.filter((sha1) => underWay.has(sha1));
}
