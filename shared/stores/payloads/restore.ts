import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { removalLease } from '../../core/payloads/cleaning.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { payloadsBinding } from './binding.ts';
import { changeState, forgetting, restoring, type StateTable } from './change-state.ts';
import type { HeldPayload } from './port.ts';
import { cleanableRow, listNames } from './rows.ts';

const { partitionKey } = payloadsBinding.table;

/** {@link PayloadStore.restore} on DynamoDB. */
export async function restoreRetired(target: StateTable, sha1: string, at: string): Promise<HeldPayload | undefined> {
  const { dynamodb, table } = target;
  const { Item } = await dynamodb.send(
    new GetCommand({ TableName: table, Key: { [partitionKey]: sha1 }, ConsistentRead: true }),
  );
  if (Item?.list !== listNames.retired) return undefined;
  const [row] = parseAll(cleanableRow, partitionKey, table, [Item]);
  if (row?.list !== listNames.retired) return undefined;
  const { list: _, version: __, retiredAt, removingSince, ...held } = row;
  const file = { ...held, state: 'retired' as const, retiredAt, ...(removingSince !== undefined && { removingSince }) };
  const busy = (): StoreError => new StoreError('conflict', `${sha1} is just being removed; it can come back later`);
  if (removingSince === undefined) {
    if ((await changeState(target, [file], restoring)).length === 0) throw busy();
    return held;
  }
  if (Date.parse(at) - Date.parse(removingSince) < removalLease) throw busy();
  // Whoever removed it is gone; without a record nobody begins again.
  if ((await changeState(target, [file], forgetting)).length === 0) throw busy();
  return undefined;
}
