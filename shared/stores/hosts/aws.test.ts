import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, hostFactsOf, hostKeyOf, reportOf, sha256, tokenOf } from '#test/kit/values.ts';
import { awsTokenStore } from '../tokens/aws.ts';
import { tokensBinding } from '../tokens/binding.ts';
import { awsHostStore } from './aws.ts';
import { hostsBinding } from './binding.ts';
import { hostStoreContract } from './contract-suite.ts';
import { itemKey, keyPartition } from './rows.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

/** A pause that lets others go on: two that met would meet again without it. */
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds / 10));

const stores = async () => {
  const table = await aws.createTable(hostsBinding);
  const tokensTable = await aws.createTable(tokensBinding);
  const { dynamodb } = aws;
  return {
    table,
    hosts: awsHostStore({ dynamodb, table, tokensTable, sleep }),
    tokens: awsTokenStore({ dynamodb, table: tokensTable, sleep }),
  };
};

hostStoreContract('DynamoDB', stores);

describe('rows of hosts in DynamoDB', () => {
  it('that do not parse are named, not taken for absent', async () => {
    const { table, hosts } = await stores();
    const put = (Item: Record<string, unknown>) => aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
    await put(itemKey('pc-1', 'host'));
    await put(itemKey(keyPartition(hostKeyOf('pc-1').thumbprint), 'key'));
    const corrupt = { name: 'StoreError', code: 'corrupt', message: expect.stringContaining('pc-1') };
    await expect(hosts.find('pc-1')).rejects.toMatchObject(corrupt);
    await expect(hosts.view('pc-1')).rejects.toMatchObject(corrupt);
    await expect(hosts.ownerOf(hostKeyOf('pc-1').thumbprint)).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('with a damaged report are named, and the host is shown without it', async () => {
    const { table, hosts, tokens } = await stores();
    const damaged = {
      ...itemKey('pc-1', 'report'),
      version: 2,
      reportVersion: 1,
      hash: sha256('x'),
      reportedAt: at(0),
      scan: { at: at(0), milliseconds: 1 },
      body: Buffer.from('not gzip'),
    };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item: damaged }));
    await expect(hosts.report('pc-1')).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('pc-1'),
    });
    await tokens.create(tokenOf(1), sha256('secret'));
    const [host, secretSha256] = [hostFactsOf('pc-1'), sha256('secret')];
    await hosts.enrol({
      host,
      ...hostKeyOf('pc-1'),
      tokenId: tokenOf(1).tokenId,
      secretSha256,
      sequence: 1,
      at: at(0),
    });
    const view = await hosts.view('pc-1');
    expect(view).toMatchObject({ summary: { machineId: 'pc-1' }, unreadable: ['the stored report does not parse'] });
    expect(view).not.toHaveProperty('last');
    const put = (Item: Record<string, unknown>) => aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
    await put({ ...itemKey('pc-1', 'report'), version: 9 });
    await put({ ...itemKey('pc-1', 'rejected'), version: 9 });
    const other = await hosts.view('pc-1');
    expect(other?.unreadable).toEqual(['the stored report does not parse', 'the rejected report does not parse']);
    expect(other).not.toHaveProperty('rejected');
  });

  it('stay below the kilobyte that one write unit pays for', async () => {
    const { hosts, tokens } = await stores();
    await tokens.create(tokenOf(1), sha256('secret'));
    // Longer names than most have; ids as Windows' machine GUIDs.
    const machineId = '0b5c1d0e-6a57-4a0e-9a52-0f8f2b6f7c11';
    const host = {
      ...hostFactsOf(machineId),
      hostname: 'BRANCH-OFFICE-07-RECEPTION-3.emea.corp.example.com',
      os: 'Microsoft Windows Server 2022 Datacenter Azure Edition',
    };
    const { publicKey, thumbprint } = hostKeyOf('one');
    const { tokenId } = tokenOf(1);
    const secretSha256 = sha256('secret');
    await hosts.enrol({ host, publicKey, thumbprint, tokenId, secretSha256, sequence: 1, at: at(0) });
    const allowance = { left: 59.983, at: Date.parse(at(0)) };
    const received = { month: '2026-11', index: 1_400_000_000, files: 12_345_678_901, direct: 12_345_678_901 };
    const seen = { thumbprint, sequence: 1_234_567, after: 1, at: at(1), allowance, livelyUntil: at(1801), received };
    const scan = { at: at(0), milliseconds: 1 };
    await hosts.putReport(machineId, seen, {
      replaces: 0,
      report: { ...reportOf(machineId), host },
      hash: sha256('report'),
      scan,
      refused: [],
    });
    const bytes = sizeOf(await hosts.find(machineId));
    expect(bytes).toBeGreaterThan(700);
    expect(bytes).toBeLessThan(1024);
  });
});

/** Bytes of a value as DynamoDB stores and counts it (its guide, "DynamoDB item sizes and formats"). */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  // One byte for two digits, and one more.
  if (typeof value === 'number') return Math.ceil(String(value).replace(/[^0-9]/g, '').length / 2) + 1;
  if (Array.isArray(value)) return 3 + value.reduce((sum: number, one) => sum + 1 + sizeOf(one), 0);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.entries(value).reduce((sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + sizeOf(one), 3);
}
