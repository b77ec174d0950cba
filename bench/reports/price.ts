import { usdPer } from '../kit/prices.ts';
import { readsOf, type Used } from './ledger.ts';

/** How often a host comes: every two hours, the agents' default. */
export const quietRoundsPerMonth = (30 * 24) / 2;
/**
 * Reports with changes that a host sends in a month: Patch Tuesday and its preview bring a new index, a download, an
 * installation and a reboot each, and a few days of something else.
 */
export const changedReportsPerMonth = 12;

/** Sizes that decide how many units of DynamoDB a request takes. Bytes. */
export interface ItemSizes {
  readonly hostRow: number;
  readonly reportRow: number;
}

/** Memory of the agents' function (infra/functions/serve-agents.ts). MiB. */
const memoryMiB = 512;
/** One line of the access log of the HTTP API with its fields filled in, and what Lambda writes around each invocation. Bytes. */
const accessLogBytes = 330;
const platformLogBytes = 330;

const writeUnits = (bytes: number): number => Math.ceil(bytes / 1024);
const readUnits = (bytes: number): number => Math.ceil(bytes / 4096);

/** USD for one request that is let in. Reads are consistent; a transaction takes each unit twice. */
export function usdPerRequest(used: Used, requests: number, sizes: ItemSizes, stored: boolean): Record<string, number> {
  const per = (count: number): number => count / requests;
  const writes = stored ? 2 * (writeUnits(sizes.hostRow) + writeUnits(sizes.reportRow)) : writeUnits(sizes.hostRow);
  // Changes are made to the report that is kept, which is read for them; other tables' rows are small.
  const hostReads = per(readsOf(used, 'Hosts'));
  const reads = readUnits(sizes.hostRow) + Math.max(0, hostReads - 1) * readUnits(sizes.reportRow);
  const shared = per(readsOf(used)) - hostReads;
  const logBytes = per(used.logBytes) + accessLogBytes + platformLogBytes;
  return {
    api: usdPer.httpApiRequest,
    function: usdPer.lambdaRequest + (per(used.milliseconds) / 1000) * (memoryMiB / 1024) * usdPer.lambdaGibibyteSecond,
    database: writes * usdPer.dynamodbWriteUnit + (reads + shared) * usdPer.dynamodbReadUnit,
    logs: (logBytes / 1e9) * usdPer.logGigabyte,
    others: per(used.s3) * usdPer.s3Read + per(used.events) * usdPer.event,
  };
}
