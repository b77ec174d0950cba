import { gunzipSync, gzipSync } from 'node:zlib';
import { type DynamoDBDocumentClient, GetCommand, PutCommand, paginateScan, ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type HostView, hostSummary, hostView } from '../../contract/operators/views.ts';
import { type HostState, hostStates } from '../../core/status/states.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { hostsBinding } from './binding.ts';
import { maxStoredReportBytes } from './limits.ts';
import type { HostStore } from './port.ts';
import { reportOrder, summaryOf } from './summary.ts';

const { partitionKey } = hostsBinding.table;

/** What the list reads: the summary beside the report, so that no report is unpacked for it. */
export const summaryRow = z.extend(hostSummary, { version: z.literal(1) });
const reportRow = z.extend(summaryRow, {
  /** Gzipped JSON of the report and of what was refused of it. */
  body: z.instanceof(Uint8Array),
});
export const storedBody = z.pick(hostView, { report: true, refused: true });
/** A key as DynamoDB allows it: even a row that does not parse can be where a page ends. */
const position = z.object({ [partitionKey]: z.string().check(z.minLength(1), z.maxLength(2048)) });

const summaryAttributes = ['version', ...Object.keys(hostSummary.shape)];

/** One row per host with its last report. */
export function awsHostStore(dynamodb: DynamoDBDocumentClient, table: string): HostStore {
  const projection = {
    ProjectionExpression: summaryAttributes.map((_, index) => `#a${index}`).join(', '),
    ExpressionAttributeNames: Object.fromEntries(summaryAttributes.map((name, index) => [`#a${index}`, name])),
  };
  return {
    async put(report, { receivedAt, refused }) {
      const body = gzipSync(JSON.stringify(z.parse(storedBody, { report, refused })));
      if (body.byteLength > maxStoredReportBytes)
        throw new StoreError(
          'refused',
          `the report of ${report.host.machineId} has ${body.byteLength} bytes gzipped, at most ${maxStoredReportBytes} are stored`,
        );
      const put = new PutCommand({
        TableName: table,
        Item: { version: 1, ...summaryOf(report, receivedAt), order: reportOrder(report, receivedAt), body },
        ConditionExpression: 'attribute_not_exists(#key) OR #order <= :order',
        ExpressionAttributeNames: { '#key': partitionKey, '#order': 'order' },
        ExpressionAttributeValues: { ':order': reportOrder(report, receivedAt) },
      });
      return (await heldTrue(dynamodb.send(put))) ? 'stored' : 'older';
    },

    async get(id) {
      const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key: { [partitionKey]: id } }));
      if (Item === undefined) return undefined;
      const [row] = parseAll(reportRow, partitionKey, table, [Item]);
      if (row === undefined) return undefined;
      const { version, body, ...summary } = row;
      return { version, summary, ...unpack(body, id) };
    },

    async list({ cursor, limit }) {
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new ScanCommand({
          TableName: table,
          Limit: limit,
          ...projection,
          ...(cursor !== undefined && { ExclusiveStartKey: decodeCursor(position, cursor) }),
        }),
      );
      const { rows, unreadable } = parseRows(summaryRow, partitionKey, Items ?? []);
      return {
        items: rows.map(({ version: _, ...summary }) => summary),
        unreadable,
        ...(LastEvaluatedKey !== undefined && { next: encodeCursor(LastEvaluatedKey) }),
      };
    },

    /**
     * Scans the table, reports included (DynamoDB reads whole items before it projects): about 10 read units per
     * host. Fine for a status asked for by hand; a fleet of tens of thousands wants counters.
     */
    async countByState() {
      const counts: Record<HostState, number> = { OK: 0, PENDING_UPDATES: 0, ERROR: 0 };
      const pages = paginateScan(
        { client: dynamodb },
        {
          TableName: table,
          ProjectionExpression: '#key, #state',
          ExpressionAttributeNames: { '#key': partitionKey, '#state': 'state' },
        },
      );
      const stateOnly = z.object({ state: z.enum(hostStates) });
      for await (const { Items } of pages)
        for (const { state } of parseAll(stateOnly, partitionKey, table, Items ?? [])) counts[state] += 1;
      return counts;
    },
  };
}

function unpack(body: Uint8Array, id: string): Pick<HostView, 'report' | 'refused'> {
  try {
    return z.parse(storedBody, JSON.parse(gunzipSync(body).toString()));
  } catch (cause) {
    throw new StoreError('corrupt', `the stored report of ${id} does not parse`, { cause });
  }
}
