import { GetCommand, TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type HostRecord, hostRecord } from '../../contract/host-records.ts';
import { failedConditions } from '../dynamodb/conditional-writes.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { tokensBinding } from '../tokens/binding.ts';
import { refusalOf, tokenKey, tokenRow } from '../tokens/row.ts';
import type { HostStoreOptions } from './aws.ts';
import { hostsBinding } from './binding.ts';
import type { HostStore, NewHost } from './port.ts';
import { itemKey, keyPartition, newRecord } from './rows.ts';

const { partitionKey } = hostsBinding.table;
/** Each lost try found that something else had come first; more in a row is somebody who enrols one machine in a loop. */
const maxTries = 5;

interface Enrolling extends HostStoreOptions, Pick<HostStore, 'find' | 'ownerOf' | 'noteClone'> {}

/**
 * An enrolment is decided by what is read, and written on the condition that all of it still holds. When it does not, it
 * is decided anew; so a repeated one finds itself enrolled.
 */
export function enrolling(options: Enrolling): HostStore['enrol'] {
  const { dynamodb, table, tokensTable, find, ownerOf, noteClone, ...retrying } = options;

  const tokenOf = async (tokenId: string): Promise<z.infer<typeof tokenRow> | undefined> => {
    const get = new GetCommand({ TableName: tokensTable, Key: tokenKey(tokenId), ConsistentRead: true });
    const { Item } = await dynamodb.send(get);
    return Item === undefined ? undefined : parseAll(tokenRow, tokensBinding.table.sortKey, tokensTable, [Item])[0];
  };

  return async (enrolled) => {
    const { machineId } = enrolled.host;
    let told = false;
    for (let tried = 0; tried < maxTries; tried += 1) {
      const owner = await ownerOf(enrolled.thumbprint);
      if (owner !== undefined && owner !== machineId) {
        const inUse = (await find(owner))?.thumbprint === enrolled.thumbprint;
        const noted = inUse && (await noteClone(owner, { machineId, at: enrolled.at }));
        return { outcome: 'cloned', owner, noted };
      }
      const before = await find(machineId);
      if (before?.thumbprint === enrolled.thumbprint) return { outcome: 'already', record: before };

      const token = await tokenOf(enrolled.tokenId);
      const reason = refusalOf(token, enrolled.secretSha256, enrolled.at);
      if (token === undefined || reason !== undefined) return { outcome: 'bad-token', reason: reason ?? '' };
      if (before !== undefined && !token.replace) return { outcome: 'taken' };

      const record = z.parse(hostRecord, newRecord(enrolled, token.group, before));
      if (!told) await enrolled.beforeWrite?.({ ...(before && { before }), after: record });
      told = true;
      const write = new TransactWriteCommand({
        TransactItems: [
          spendUse(tokensTable, enrolled, before !== undefined),
          putHost(table, record, before),
          putKey(table, enrolled),
        ],
      });
      if ((await failedConditions(() => dynamodb.send(write), retrying)) === undefined)
        return { outcome: 'enrolled', record };
    }
    throw new StoreError('conflict', `others enrolled ${machineId} or spent uses in each of ${maxTries} tries`);
  };
}

type Part = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** One use of the token, on the condition of all that makes it good. */
const spendUse = (tokensTable: string, { tokenId, secretSha256, at }: NewHost, replaces: boolean): Part => ({
  Update: {
    TableName: tokensTable,
    Key: tokenKey(tokenId),
    UpdateExpression: 'SET #used = #used + :one',
    ConditionExpression:
      '#used < #uses AND #secret = :secret AND #expiresAt > :at AND attribute_not_exists(#revokedAt)' +
      (replaces ? ' AND #replace = :true' : ''),
    ExpressionAttributeNames: {
      '#used': 'used',
      '#uses': 'uses',
      '#secret': 'secretSha256',
      '#expiresAt': 'expiresAt',
      '#revokedAt': 'revokedAt',
      ...(replaces && { '#replace': 'replace' }),
    },
    ExpressionAttributeValues: {
      ':one': 1,
      ':secret': secretSha256,
      ':at': at,
      ...(replaces && { ':true': true }),
    },
  },
});

const putHost = (table: string, record: HostRecord, before: HostRecord | undefined): Part => ({
  Put: {
    TableName: table,
    Item: record,
    ...(before === undefined
      ? { ConditionExpression: 'attribute_not_exists(#key)', ExpressionAttributeNames: { '#key': partitionKey } }
      : {
          // The sequence moves with each request: nothing that came meanwhile is written over.
          ConditionExpression: '#thumbprint = :thumbprint AND #sequence = :sequence',
          ExpressionAttributeNames: { '#thumbprint': 'thumbprint', '#sequence': 'sequence' },
          ExpressionAttributeValues: { ':thumbprint': before.thumbprint, ':sequence': before.sequence },
        }),
  },
});

/** A key is one machine's, also after that machine got a newer one. */
const putKey = (table: string, { host, thumbprint, at }: NewHost): Part => ({
  Put: {
    TableName: table,
    Item: { ...itemKey(keyPartition(thumbprint), 'key'), version: 1, owner: host.machineId, at },
    ConditionExpression: 'attribute_not_exists(#key) OR #owner = :owner',
    ExpressionAttributeNames: { '#key': partitionKey, '#owner': 'owner' },
    ExpressionAttributeValues: { ':owner': host.machineId },
  },
});
