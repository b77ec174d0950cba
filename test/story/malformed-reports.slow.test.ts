import { isUtf8 } from 'node:buffer';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { reportMessage } from '#shared/contract/agent/report.ts';
import { changesBetween } from '#shared/contract/agent/report-changes.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { problem } from '#shared/contract/problem.ts';
import { damaged } from '#test/kit/damaged.ts';
import { createRawHost, type RawHost } from '#test/kit/raw-host.ts';
import { at, guid, sha1, sha256 } from '#test/kit/values.ts';
import { reportNeeding, wholeReport } from './hosts.ts';
import { startWorld, type World } from './world.ts';

/** Below what one host may send at once (`hostBurst` of the stack), with its first, good report. */
const reportsPerHost = 50;
const hosts = 200;
const parallel = 8;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const update = { updateId: guid(1), revision: 1, kbs: ['5000001'], state: 'MISSING', reason: 'x', files: [sha1('a')] };

/** Good messages of a host, of which the bad ones are made. */
function goodMessages(machineId: string): readonly unknown[] {
  const report = reportNeeding(machineId, [sha1('a')]);
  const scan = { at: at(0), milliseconds: 1 };
  const changes = { ...changesBetween(report, report), indexProblem: null, updates: { set: [update], removed: [] } };
  return [wholeReport(report), { version: 2, kind: 'changes', scan, base: sha256('x'), result: sha256('y'), changes }];
}

/** Bodies that are no report: damaged ones, any JSON, and bytes that are no JSON. */
function malformed(machineId: string, seed: number): readonly (string | Uint8Array)[] {
  const anyBody = fc.oneof(
    { weight: 8, arbitrary: fc.oneof(...goodMessages(machineId).map(damaged)).map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }) },
  );
  const isBad = (body: string | Uint8Array): boolean => {
    try {
      return !reportMessage.safeParse(JSON.parse(String(body))).success;
    } catch {
      return true;
    }
  };
  return fc.sample(anyBody.filter(isBad), { numRuns: reportsPerHost, seed });
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

it(`${hosts * reportsPerHost} malformed reports are each answered with what is wrong, and no good one is lost`, async () => {
  const token = await world.enrolmentToken();
  let answered = 0;
  const numbers = Array.from({ length: hosts }, (_, index) => index);
  await inParallel(numbers, async (index) => {
    const host: RawHost = await createRawHost(world.output('ApiUrl'), `host-${index}`);
    await host.enrol(token);
    const first = await host.send(agentEndpoints.postReport, wholeReport(reportNeeding(host.machineId, [])));
    const { hash } = agentEndpoints.postReport.response.parse(first.json);
    for (const body of malformed(host.machineId, index)) {
      const gzip = index % 2 === 0;
      const answer = await host.send(agentEndpoints.postReport, undefined, { rawBody: body, gzip });
      // The gateway hands JSON that is not packed to the function as text, so that bytes which are none do not arrive as they
      // were signed.
      const arrives = gzip || typeof body === 'string' || isUtf8(body);
      const [status, expectedCode] = arrives
        ? ([400, /^(bad-request|unsupported-version)$/] as const)
        : ([401, /^unauthenticated$/] as const);
      const { code, detail } = problem.parse(answer.json);
      expect([answer.status, code, detail]).toEqual([status, expect.stringMatching(expectedCode), expect.any(String)]);
      answered += 1;
    }
    const report = { hash, scannedAt: new Date().toISOString() };
    const { json } = await host.send(agentEndpoints.checkIn, { version: 1, report, outcomes: [] });
    expect(agentEndpoints.checkIn.response.parse(json).knowsReport, host.machineId).toBe(true);
  });
  expect(answered).toBe(hosts * reportsPerHost);
  // Some are looked at as people see them: one person may ask for no more in a minute.
  for (let index = 0; index < hosts; index += 10) {
    const view = await world.call(operatorEndpoints.getHost, { params: { machineId: `host-${index}` } });
    expect(view.last?.report.host.machineId).toBe(`host-${index}`);
    expect(view.rejected?.reason).toMatch(/./);
  }
  const failures = world.log.filter(({ message }) => /invocation failed|the call failed/.test(message));
  expect(failures).toEqual([]);
});
