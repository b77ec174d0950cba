import { calculateJwkThumbprint } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, agentsApi, memoryAgentPorts, testAudience, testSecret, testToken } from '#test/kit/agents-api.ts';
import { newTestKey } from '#test/kit/host-proof.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, hostFactsOf, sha256, tokenOf } from '#test/kit/values.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

async function make() {
  const memory = memoryAgentPorts();
  await memory.tokens.create(tokenOf(1), sha256(testSecret));
  return { ...memory, api: agentsApi(memory.ports) };
}
const refused = (status: number, code: string, detail: RegExp) => (answer: Answer) => {
  expect(answer).toMatchObject({ status, body: { code } });
  expect(answer.body.detail).toMatch(detail);
};

describe('an enrolment', () => {
  it('tells the host its group, the broker’s name and where the repository is', async () => {
    const { api, ports, tokens } = await make();
    const host = await api.newHost('pc-1');
    const root = sha256('root.json');
    const answer = {
      version: 1,
      group: 'pilots',
      audience: testAudience,
      repositoryUrl: 'https://repository.example',
      enrolledAt: at(100),
    };
    expect(await host.enrol(`${testToken(1)}_${root}`)).toMatchObject({ status: 200, body: answer });
    expect(ports.hosts.records.get('pc-1')).toMatchObject({
      thumbprint: host.key.thumbprint,
      tokenId: tokenOf(1).tokenId,
    });
    expect((await tokens.get(tokenOf(1).tokenId))?.used).toBe(1);
    expect(JSON.stringify(log.lines)).not.toContain(testSecret);
  });

  it('again gives the same answer, and spends nothing', async () => {
    const { api, tokens, clock } = await make();
    const host = await api.newHost('pc-1');
    const first = await host.enrol();
    clock.seconds += 60;
    expect(await host.enrol()).toEqual(first);
    expect((await tokens.get(tokenOf(1).tokenId))?.used).toBe(1);
  });

  it('is in the audit log once, without the token', async () => {
    const { api, ports } = await make();
    const host = await api.newHost('pc-1');
    await host.enrol();
    await host.enrol();
    const { tokenId } = tokenOf(1);
    expect(ports.audit.entries).toMatchObject([
      {
        number: 1,
        actor: { kind: 'host', machineId: 'pc-1', tokenId },
        action: 'host.enrol',
        target: 'pc-1',
        after: { group: 'pilots', thumbprint: host.key.thumbprint, tokenId },
      },
    ]);
    expect(ports.audit.entries[0]).not.toHaveProperty('before');
    expect(JSON.stringify(ports.audit.entries)).not.toContain(testSecret);
  });

  it('that cannot be written down is not made', async () => {
    const { api, ports, tokens } = await make();
    ports.audit.beforeAppend = () => {
      throw new Error('no table');
    };
    refused(503, 'unavailable', /audit log/)(await (await api.newHost('pc-1')).enrol());
    expect(ports.hosts.records.size).toBe(0);
    expect((await tokens.get(tokenOf(1).tokenId))?.used).toBe(0);
  });

  it('that is refused leaves nothing in the audit log', async () => {
    const { api, ports } = await make();
    refused(401, 'unauthenticated', /no such/)(await (await api.newHost('pc-1')).enrol(testToken(7)));
    expect(ports.audit.entries).toEqual([]);
  });

  it('that fails after it was written down is taken back there', async () => {
    const { api, ports } = await make();
    const { enrol } = ports.hosts;
    ports.hosts.enrol = (newcomer) =>
      enrol.call(ports.hosts, {
        ...newcomer,
        beforeWrite: async (change) => {
          await newcomer.beforeWrite?.(change);
          throw new Error('no table');
        },
      });
    expect(await (await api.newHost('pc-1')).enrol()).toMatchObject({ status: 500 });
    expect(ports.audit.entries).toMatchObject([
      { number: 1, action: 'host.enrol' },
      { number: 2, action: 'host.enrol', failed: { number: 1, reason: 'no table' } },
    ]);
  });

  it('that was made though nobody heard of it stands there, and is found when it is repeated', async () => {
    const { api, ports } = await make();
    const { enrol } = ports.hosts;
    ports.hosts.enrol = async (newcomer) => {
      await enrol.call(ports.hosts, newcomer);
      throw new Error('no answer');
    };
    const host = await api.newHost('pc-1');
    expect(await host.enrol()).toMatchObject({ status: 500 });
    ports.hosts.enrol = enrol;
    expect(await host.enrol()).toMatchObject({ status: 200 });
    expect(ports.audit.entries.map(({ action, failed }) => ({ action, failed }))).toEqual([
      { action: 'host.enrol', failed: undefined },
    ]);
  });

  it('with a token that is not good is refused in words', async () => {
    const { api, tokens } = await make();
    const host = await api.newHost('pc-1');
    refused(401, 'unauthenticated', /no such enrolment token/)(await host.enrol(testToken(7)));
    refused(401, 'unauthenticated', /no such/)(await host.enrol(`kbt1_${tokenOf(1).tokenId}_${'x'.repeat(43)}`));
    refused(400, 'bad-request', /token/)(await host.enrol('a token'));
    await tokens.revoke(tokenOf(1).tokenId, at(5));
    refused(401, 'unauthenticated', /was revoked at/)(await host.enrol());
  });

  it('is not made with a key that somebody else has', async () => {
    const { api, ports } = await make();
    const host = await api.newHost('pc-1');
    const stolen = (await newTestKey()).publicKey;
    const body = { version: 1, token: testToken(1), publicKey: stolen, host: hostFactsOf('pc-1') };
    refused(401, 'unauthenticated', /not by the one sent/)(await host.send('enrol', body));
    const { thumbprint } = host.key;
    const { privateKey } = await newTestKey();
    const own = { ...body, publicKey: host.key.publicKey };
    const byAnother = { key: { ...host.key, privateKey, thumbprint } };
    refused(401, 'unauthenticated', /not signed with this key/)(await host.send('enrol', own, byAnother));
    expect(ports.hosts.records.size).toBe(0);
  });

  it('is made for the machine of the proof, under the name of enrolments, with a point that is on the curve', async () => {
    const { api } = await make();
    const host = await api.newHost('pc-1');
    const body = { version: 1, token: testToken(1), publicKey: host.key.publicKey, host: hostFactsOf('pc-2') };
    refused(400, 'bad-request', /proof is of pc-1, and host.machineId is pc-2/)(await host.send('enrol', body));
    refused(401, 'unauthenticated', /urn:kbroker:enrolment/)(await host.enrol(undefined, { audience: testAudience }));
    const off = { ...host.key.publicKey, x: 'A'.repeat(43), y: 'A'.repeat(43) };
    const iss = await calculateJwkThumbprint(off);
    const answer = await host.send('enrol', { ...body, publicKey: off }, { claims: { iss } });
    refused(400, 'bad-request', /not a point on P-256/)(answer);
  });

  it('of a copied disk image is refused, noted and told of', async () => {
    const { api, ports, tokens } = await make();
    const host = await api.newHost('pc-1');
    await host.enrol();
    const copy = await api.newHost('pc-2', host.key);
    for (let times = 0; times < 2; times += 1) refused(403, 'cloned', /belongs to pc-1/)(await copy.enrol());
    expect(ports.events.of('HostCloned')).toEqual([
      { version: 1, machineId: 'pc-1', cloneMachineId: 'pc-2', at: at(100) },
    ]);
    expect(ports.hosts.records.get('pc-1')?.clones).toHaveLength(1);
    expect((await tokens.get(tokenOf(1).tokenId))?.used).toBe(1);
  });

  it('of a machine that has another key needs a token that may replace it', async () => {
    const { api, tokens } = await make();
    await (await api.newHost('pc-1')).enrol();
    const anew = await api.newHost('pc-1');
    refused(409, 'conflict', /another key.*"replace"/)(await anew.enrol());
    await tokens.create(tokenOf(2, { replace: true, group: 'others' }), sha256(testSecret));
    expect(await anew.enrol(testToken(2))).toMatchObject({ status: 200, body: { group: 'others' } });
  });
});
