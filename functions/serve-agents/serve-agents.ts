import type { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { FileLookupAnswer, FileStatus } from '#shared/contract/agent/files.ts';
import type { HostReport, ReportAnswer } from '#shared/contract/agent/report.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { Implementation } from '#shared/lambda/api-handler.ts';
import type { CatalogStore } from '#shared/stores/catalog/port.ts';
import type { HostStore } from '#shared/stores/hosts/port.ts';
import type { HeldPayload, PayloadStore } from '#shared/stores/payloads/port.ts';
import type { RequestStore } from '#shared/stores/requests/port.ts';
import type { RuleStore } from '#shared/stores/rules/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

export interface AgentPorts {
  readonly rules: Pick<RuleStore, 'get'>;
  readonly catalog: Pick<CatalogStore, 'fileFacts'>;
  readonly payloads: Pick<PayloadStore, 'held'>;
  readonly requests: Pick<RequestStore, 'open' | 'get'>;
  readonly hosts: Pick<HostStore, 'put'>;
  readonly now: () => Date;
}

/** The agents' API. */
export function serveAgents(ports: AgentPorts): Implementation<typeof agentEndpoints> {
  return {
    getRules: () => ports.rules.get(),
    lookupFiles: ({ request }) => lookUpFiles(ports, request.sha1s),
    postReport: ({ request }) => takeReport(ports, request),
  };
}

/** One status per digest that was asked for, in the order of the question, each once. */
async function lookUpFiles(ports: AgentPorts, asked: readonly string[]): Promise<FileLookupAnswer> {
  const sha1s = [...new Set(asked)];
  const held = await ports.payloads.held(sha1s);
  const requests = await ports.requests.get(sha1s.filter((sha1) => !held.has(sha1)));
  const facts = await ports.catalog.fileFacts(sha1s.filter((sha1) => !held.has(sha1) && !requests.has(sha1)));
  const files = sha1s.map((sha1) => statusOf(sha1, held.get(sha1), requests.get(sha1), facts.has(sha1)));
  return { version: 1, files };
}

function statusOf(
  sha1: string,
  held: HeldPayload | undefined,
  request: FileRequest | undefined,
  inCatalog: boolean,
): FileStatus {
  if (held !== undefined) return { sha1, state: 'held', sha256: held.sha256, size: held.size };
  switch (request?.state) {
    case 'open':
    case 'queued':
    case 'fetching':
      return { sha1, state: 'requested', ...(request.lastError !== undefined && { reason: request.lastError }) };
    case 'failed':
      return { sha1, state: 'failed', reason: request.lastError };
    case 'done':
      // It was here and has been removed since: it comes back when somebody needs it.
      return { sha1, state: 'absent' };
    default:
      return { sha1, state: inCatalog ? 'absent' : 'unknown' };
  }
}

/**
 * Takes a report in: requests what the host needs and the repository lacks, then keeps the report. What a host says is
 * a demand signal only. Names, sizes and addresses of files come from the catalogue, and a digest that it does not have
 * is refused by name. Sending the same report again changes nothing.
 */
async function takeReport(ports: AgentPorts, report: HostReport): Promise<ReportAnswer> {
  const receivedAt = ports.now().toISOString();
  const needs = [...new Set(report.needs)];
  const facts = await ports.catalog.fileFacts(needs);
  const refused = needs.flatMap((sha1) => {
    const reason = refusalOf(facts.get(sha1));
    return reason === undefined ? [] : [{ sha1, reason }];
  });
  const refusedSha1s = new Set(refused.map(({ sha1 }) => sha1));
  const held = await ports.payloads.held(needs.filter((sha1) => !refusedSha1s.has(sha1)));
  const wanted = needs.filter((sha1) => !refusedSha1s.has(sha1) && !held.has(sha1));
  const requested = await request(ports, wanted, facts, { by: report.host.machineId, at: receivedAt });
  await keepReport(ports, report, receivedAt, refused);
  return { version: 1, requested, refused };
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
  ports: AgentPorts,
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

async function keepReport(
  ports: AgentPorts,
  report: HostReport,
  receivedAt: string,
  refused: ReportAnswer['refused'],
): Promise<void> {
  try {
    await ports.hosts.put(report, { receivedAt, refused });
  } catch (error) {
    if (error instanceof StoreError && error.code === 'refused')
      throw new ProblemError('too-large', error.message, { cause: error });
    throw error;
  }
}
