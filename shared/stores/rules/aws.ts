import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { defaultRules, rulesDocument } from '../../contract/rules.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { rulesBinding } from './binding.ts';
import type { RuleStore } from './port.ts';

const { partitionKey } = rulesBinding.table;
/** There is one rule set for all hosts; groups get their own rows when there are groups. */
const key = { [partitionKey]: 'default' };

export function awsRuleStore(dynamodb: DynamoDBDocumentClient, table: string): RuleStore {
  return {
    async get() {
      const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }));
      if (Item === undefined) return defaultRules;
      return parseAll(rulesDocument, partitionKey, table, [Item])[0] ?? defaultRules;
    },

    async put(rules, expectedRevision) {
      const next = z.parse(rulesDocument, { ...rules, revision: expectedRevision + 1 });
      // Revision 0 is never stored: it is what holds while there is no row.
      const condition =
        expectedRevision === 0
          ? { ConditionExpression: 'attribute_not_exists(#key)', ExpressionAttributeNames: { '#key': partitionKey } }
          : {
              ConditionExpression: '#revision = :expected',
              ExpressionAttributeNames: { '#revision': 'revision' },
              ExpressionAttributeValues: { ':expected': expectedRevision },
            };
      const put = new PutCommand({ TableName: table, Item: { ...key, ...next }, ...condition });
      if (!(await heldTrue(dynamodb.send(put))))
        throw new StoreError('conflict', `the rules in force are not revision ${expectedRevision} any more`);
      return next;
    },
  };
}
