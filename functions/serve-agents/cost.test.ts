import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { reportText } from '#shared/contract/agent/report-changes.ts';
import { awsFacts } from '#shared/stores/catalog/aws-facts.ts';
import { catalogBinding } from '#shared/stores/catalog/binding.ts';
import { awsCommandStore } from '#shared/stores/commands/aws.ts';
import { commandsBinding } from '#shared/stores/commands/binding.ts';
import { awsHostStore } from '#shared/stores/hosts/aws.ts';
import { hostsBinding } from '#shared/stores/hosts/binding.ts';
import { awsTokenStore } from '#shared/stores/tokens/aws.ts';
import { tokensBinding } from '#shared/stores/tokens/binding.ts';
import { agentsApi, memoryAgentPorts, testSecret } from '#test/kit/agents-api.ts';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, guid, reportOf, sha256, tokenOf } from '#test/kit/values.ts';

/** What requests of a host cost, counted on the client of DynamoDB that all stores of the function share. */

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());
let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const sleep = async (): Promise<void> => {};

async function make(rate?: { readonly burst: number; readonly perMinute: number }) {
  const calls: string[] = [];
  const { dynamodb } = aws;
  dynamodb.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        calls.push(String(commandName).replace(/Command$/, ''));
        return next(args);
      },
    { step: 'initialize', name: 'count', override: true },
  );
  const table = await aws.createTable(hostsBinding);
  const tokensTable = await aws.createTable(tokensBinding);
  const commandsTable = await aws.createTable(commandsBinding);
  const { ports } = memoryAgentPorts();
  const hosts = awsHostStore({ dynamodb, table, tokensTable, sleep });
  await awsTokenStore({ dynamodb, table: tokensTable, sleep }).create(tokenOf(1), sha256(testSecret));
  const api = agentsApi(
    {
      ...ports,
      hosts,
      catalog: awsFacts({ dynamodb, table: await aws.createTable(catalogBinding), sleep }),
      commands: awsCommandStore({ dynamodb, table: commandsTable, sleep }),
    },
    rate,
  );
  const host = await api.newHost('pc-1');
  const callsOf = async (name: Parameters<typeof host.send>[0], body: unknown, status = 200) => {
    calls.length = 0;
    const answer = await host.send(name, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    return [...calls];
  };
  const enrol = async () => {
    calls.length = 0;
    expect(await host.enrol()).toMatchObject({ status: 200 });
    return [...calls];
  };
  return { enrol, callsOf, host, hosts };
}

const checkIn = { version: 1, outcomes: [], cookiesUntil: at(100_000) };
const report = { version: 2, kind: 'whole', scan: { at: at(1), milliseconds: 1 }, report: reportOf('pc-1') };

it('an unchanged check-in costs one read and one write', async () => {
  const { callsOf, enrol } = await make();
  await enrol();
  await callsOf('postReport', report);
  const hash = createHash('sha256')
    .update(reportText(reportOf('pc-1')))
    .digest('hex');
  const unchanged = { ...checkIn, report: { hash, scannedAt: at(99) } };
  // The first one of this copy of the function also reads what all hosts share.
  expect((await callsOf('checkIn', unchanged)).sort()).toEqual(['GetItem', 'Query', 'UpdateItem']);
  for (let times = 0; times < 3; times += 1)
    expect(await callsOf('checkIn', unchanged)).toEqual(['GetItem', 'UpdateItem']);
});

it('a changed report costs one read and one transaction, an enrolment three reads and one', async () => {
  const { callsOf, enrol } = await make();
  expect(await enrol()).toEqual(['GetItem', 'GetItem', 'GetItem', 'TransactWriteItems']);
  expect(await callsOf('postReport', report)).toEqual(['GetItem', 'TransactWriteItems']);
  // The same again: reading the stored one costs a fraction of writing it.
  expect(await callsOf('postReport', report)).toEqual(['GetItem', 'GetItem', 'UpdateItem']);
});

it('a lookup of updates costs one read and one write, and a read for each hundred', async () => {
  const { callsOf, enrol } = await make();
  await enrol();
  const updateIds = Array.from({ length: 250 }, (_, n) => guid(n));
  const calls = await callsOf('lookupUpdates', { version: 1, updateIds });
  expect(calls).toEqual(['GetItem', 'UpdateItem', ...Array<string>(3).fill('BatchGetItem')]);
});

it('a throttled, replayed or revoked request costs one read and nothing else', async () => {
  const throttled = await make({ burst: 1, perMinute: 6 });
  await throttled.enrol();
  await throttled.callsOf('checkIn', checkIn);
  expect(await throttled.callsOf('checkIn', checkIn, 429)).toEqual(['GetItem']);

  const { callsOf, enrol, host, hosts } = await make();
  await enrol();
  await callsOf('checkIn', checkIn);
  host.sequence -= 1;
  expect(await callsOf('checkIn', checkIn, 409)).toEqual(['GetItem']);
  await hosts.revoke('pc-1', at(1));
  expect(await callsOf('checkIn', checkIn, 403)).toEqual(['GetItem']);
});
