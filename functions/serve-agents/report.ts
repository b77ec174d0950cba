import { createHash } from 'node:crypto';
import { type HostReport, hostReport, type ReportAnswer, type ReportMessage } from '#shared/contract/agent/report.ts';
import { applyReportChanges, orderReport, reportText } from '#shared/contract/agent/report-changes.ts';
import { canonicalJson } from '#shared/contract/canonical-json.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { StoredReport } from '#shared/stores/hosts/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { noLaterThan } from './check-in.ts';
import { requestNeeds } from './needs.ts';
import type { AgentPorts, HostCaller } from './ports.ts';
import { inTurn, overtaken, writeDown } from './turn.ts';

/** A report that is worth keeping. */
interface Accepted {
  readonly report: HostReport;
  readonly hash: string;
  /** The one that is kept, when it was made from that or may be the same. */
  readonly base?: StoredReport;
}

/**
 * Takes a report in, whole or as changes to the one that is kept: requests what the host needs and the repository lacks,
 * then keeps it with what was refused of it. Sending it again changes nothing. One that is refused is written down as a
 * request like any other, so that it can neither be repeated nor cost nothing.
 */
export async function takeReport(ports: AgentPorts, message: ReportMessage, caller: HostCaller): Promise<ReportAnswer> {
  try {
    const accepted = await reportOf(ports, message, caller);
    const asked = { by: caller.record.machineId, at: caller.seen.at };
    const answer = await requestNeeds(ports, accepted.report.needs, asked);
    await keep(ports, caller, accepted, message, answer.refused);
    return { version: 2, hash: accepted.hash, ...answer };
  } catch (error) {
    if (error instanceof Refusal) await writeDown(ports, caller);
    throw error;
  }
}

/** A problem with the report itself, found before anything of the request was written down. */
class Refusal extends ProblemError {}

/** @throws Refusal `unknown-base`, `bad-request` */
async function reportOf(ports: AgentPorts, message: ReportMessage, { record }: HostCaller): Promise<Accepted> {
  if (message.kind === 'whole') {
    const report = ofItself(orderReport(message.report), record.machineId);
    const hash = hashOf(report);
    // A host that sends the whole on purpose, or was told to, often sends what is kept: a read is cheaper than a write.
    const base = record.reportHash === hash ? await storedReport(ports, record.machineId) : undefined;
    return { report, hash, ...(base && { base }) };
  }
  const { base: wanted, result, changes } = message;
  // The row says it without reading the report.
  const stored = record.reportHash === wanted ? await storedReport(ports, record.machineId) : undefined;
  if (stored?.hash !== wanted)
    throw new Refusal(
      'unknown-base',
      stored === undefined && record.reportHash === wanted
        ? `the report ${wanted}, which the changes are to, cannot be read any more: send the whole`
        : `the changes are to the report ${wanted}, and the broker has ${record.reportHash ?? 'none'}: send the whole`,
    );
  // What was in bounds before and after on its own can be out of them together.
  const parsed = parseInWords(hostReport, applyReportChanges(stored.report, changes));
  if (!parsed.success) throw new Refusal('bad-request', `the changed report: ${inOneLine(parsed.faults)}`);
  const report = ofItself(parsed.data, record.machineId);
  const hash = hashOf(report);
  if (hash !== result)
    throw new Refusal('unknown-base', `the changes give the report ${hash} here, not ${result}: send the whole`);
  return { report, hash, base: stored };
}

/** What is kept; one that does not parse any more is as good as none, and the whole takes its place. */
async function storedReport(
  { hosts }: Pick<AgentPorts, 'hosts'>,
  machineId: string,
): Promise<StoredReport | undefined> {
  try {
    return await hosts.report(machineId);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined;
    throw error;
  }
}

/** A host speaks for itself only. */
function ofItself(report: HostReport, machineId: string): HostReport {
  if (report.host.machineId === machineId) return report;
  throw new Refusal('bad-request', `host.machineId is ${report.host.machineId}, and the request is by ${machineId}`);
}

const hashOf = (report: HostReport): string => createHash('sha256').update(reportText(report)).digest('hex');

async function keep(
  ports: AgentPorts,
  caller: HostCaller,
  { report, hash, base }: Accepted,
  { scan: told }: ReportMessage,
  refused: ReportAnswer['refused'],
): Promise<void> {
  const scan = { ...told, at: noLaterThan(told.at, ports.now()) };
  // Nothing is different but the times, which the host's row has: the report is not written again.
  if (base?.hash === hash && canonicalJson(base.refused) === canonicalJson(refused))
    return writeDown(ports, caller, { scannedAt: scan.at, reportedAt: caller.seen.at });
  const { machineId, reportVersion: replaces } = caller.record;
  const stored = await inTurn(
    ports.hosts.putReport(machineId, caller.seen, { replaces, report, hash, scan, refused }),
  ).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === 'refused')
      throw new Refusal('too-large', error.message, { cause: error });
    throw error;
  });
  if (stored === 'lost') throw await overtaken(ports, caller);
}
