import { createHash } from 'node:crypto';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { HostReport, ReportedUpdate } from '#shared/contract/agent/report.ts';
import { changesBetween, orderReport, reportText } from '#shared/contract/agent/report-changes.ts';
import { createRawHost, factsOf, type RawHost } from '#test/kit/raw-host.ts';

/** Updates in each report: what a host of some months has (the size to design for). */
const updatesPerHost = 60;
/** Different updates in the whole fleet. */
const updatesInAll = 400;

/** One host of the load, with the report that the broker has of it. */
export interface LoadHost {
  readonly host: RawHost;
  report: HostReport;
  hash: string;
}

const hashOf = (report: HostReport): string => createHash('sha256').update(reportText(report)).digest('hex');

/** Enrols one more host of the fleet. */
export async function enrolOne(apiUrl: string, token: string, number: number): Promise<LoadHost> {
  const host = await createRawHost(apiUrl, `load-${String(number).padStart(6, '0')}`);
  await host.enrol(token);
  const report = reportOf(host.machineId, number);
  return { host, report, hash: hashOf(report) };
}

const { postReport, checkIn } = agentEndpoints;
const scan = () => ({ at: new Date().toISOString(), milliseconds: 800 });

/** The whole report, as after an enrolment. */
export async function sendWhole(one: LoadHost): Promise<void> {
  await expectOk(one.host.send(postReport, { version: 2, kind: 'whole', scan: scan(), report: one.report }, gzipped));
}

/** A whole report again, as when the broker lost the base: two updates have another state than before. */
export async function sendNewWhole(one: LoadHost): Promise<void> {
  one.report = changed(one.report);
  one.hash = hashOf(one.report);
  await sendWhole(one);
}

/** Two updates have another state than before. */
function changed(report: HostReport): HostReport {
  const updates = report.updates.map((update, index) =>
    index < 2 ? ({ ...update, state: update.state === 'OK' ? 'PENDING' : 'OK' } satisfies ReportedUpdate) : update,
  );
  return orderReport({ ...report, updates });
}

/** The same as changes. */
export async function sendSmallChange(one: LoadHost): Promise<void> {
  const next = changed(one.report);
  const result = hashOf(next);
  const changes = changesBetween(one.report, next);
  const message = { version: 2, kind: 'changes', scan: scan(), base: one.hash, result, changes };
  await expectOk(one.host.send(postReport, message, gzipped));
  one.report = next;
  one.hash = result;
}

/** Nothing has changed: the check-in of a quiet round. */
export async function sendUnchanged(one: LoadHost): Promise<void> {
  const body = {
    version: 1,
    report: { hash: one.hash, scannedAt: new Date().toISOString() },
    rulesRevision: 0,
    cookiesUntil: new Date(Date.now() + 7 * 3600_000).toISOString(),
    outcomes: [],
  };
  const { json } = await expectOk(one.host.send(checkIn, body));
  if (!checkIn.response.parse(json).knowsReport) throw new Error(`the broker lost the report of ${one.host.machineId}`);
}

/** Refused before anything is read: what HTTP API, runner and function cost by themselves. */
export async function sendNothing(one: LoadHost): Promise<void> {
  const { status, text } = await one.host.send(checkIn, { version: 1 }, { authorization: null });
  if (status !== 401) throw new Error(`a request without a proof was answered ${status}: ${text}`);
}

const gzipped = { gzip: true };

async function expectOk(sent: ReturnType<RawHost['send']>): ReturnType<RawHost['send']> {
  const answer = await sent;
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.text}`);
  return answer;
}

/** A report as a real host sends it: titles, reasons and files of usual length. */
function reportOf(machineId: string, number: number): HostReport {
  const updates = Array.from({ length: updatesPerHost }, (_, index): ReportedUpdate => {
    const update = (number * 7 + index * 5) % updatesInAll;
    const kb = String(5_000_000 + update);
    const digest = createHash('sha1').update(kb).digest('hex');
    const state = index % 10 === 0 ? 'PENDING' : index % 10 === 1 ? 'DISCARDED' : 'OK';
    return {
      updateId: `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`,
      revision: 200,
      kbs: [kb],
      title: `2026-11 Cumulative Update for Windows 11 Version 24H2 for x64-based Systems (KB${kb})`,
      state,
      reason:
        state === 'OK' ? 'installed' : `rule ${state === 'PENDING' ? 'allows severity Critical' : 'forbids this KB'}`,
      files: state === 'PENDING' ? [digest] : [],
    };
  });
  return orderReport({
    version: 2,
    host: factsOf(machineId),
    indexSha256: '5'.repeat(64),
    rulesRevision: 0,
    updates,
    needs: [],
  });
}
