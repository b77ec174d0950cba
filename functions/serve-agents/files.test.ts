import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orderReport } from '#shared/contract/agent/report-changes.ts';
import { agentsApiWithHost } from '#test/kit/agents-api.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, fileOf, reportOf, sha1, sha256 } from '#test/kit/values.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

describe('a lookup', () => {
  it('says where each file stands, in the order of the question, each once', async () => {
    const { host, ports } = await agentsApiWithHost();
    await ports.catalog.putFileFacts(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => fileOf(sha1(name))));
    await ports.payloads.record({ sha1: sha1('a'), sha256: sha256('a'), size: 6, heldAt: at(0) });
    const report = orderReport(reportOf('pc-1', { needs: ['b', 'c', 'd', 'e'].map(sha1) }));
    const scan = { at: at(90), milliseconds: 1 };
    expect(await host.send('postReport', { version: 2, kind: 'whole', scan, report })).toMatchObject({ status: 200 });
    for (const [name, final] of [
      ['c', false],
      ['d', true],
    ] as const) {
      const claim = { messageId: 'm', receiveCount: 3, leaseUntil: at(900) };
      await ports.requests.claim(sha1(name), claim, at(101));
      await ports.requests.fail(sha1(name), claim, { at: at(102), error: 'wrong bytes', final });
    }
    await ports.requests.complete(sha1('e'), { at: at(3), sha256: sha256('e') });
    const sha1s = ['forged', 'a', 'b', 'c', 'd', 'e', 'f', 'a'].map(sha1);
    expect((await host.send('lookupFiles', { version: 1, sha1s })).body.files).toEqual([
      { sha1: sha1('forged'), state: 'unknown' },
      { sha1: sha1('a'), state: 'held', sha256: sha256('a'), size: 6 },
      { sha1: sha1('b'), state: 'requested' },
      { sha1: sha1('c'), state: 'requested', reason: 'wrong bytes' },
      { sha1: sha1('d'), state: 'failed', reason: 'wrong bytes' },
      { sha1: sha1('e'), state: 'absent' },
      { sha1: sha1('f'), state: 'absent' },
    ]);
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ sequence: 3 });
  });

  it('of nothing says nothing', async () => {
    const { host } = await agentsApiWithHost();
    expect((await host.send('lookupFiles', { version: 1, sha1s: [] })).body).toEqual({ version: 1, files: [] });
  });
});
