import { listPrices, priceList } from './list-prices.ts';

/** What was used of a month. */
export interface MonthUsage {
  readonly now: Date;
  /** Bytes in the repository now; reckoned as if they had been there all month. */
  readonly heldBytes: number;
  /** Bytes that the CDN sent so far. */
  readonly servedBytes: number;
  readonly hosts: number;
}

/** An estimate from list prices, in USD with four decimals. */
export interface MonthPrice {
  readonly region: string;
  readonly currency: string;
  /** Month in which the list prices were read. */
  readonly asOf: string;
  readonly storage: number;
  readonly transfer: number;
  /** API, functions and tables for what hosts say and ask. */
  readonly hosts: number;
  readonly total: number;
}

const gibibyte = 2 ** 30;
const rounded = (usd: number): number => Math.round(usd * 10_000) / 10_000;

/** How much of its month of UTC a moment has behind it, from 0 to 1. */
export function shareOfMonth(now: Date): number {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const [begin, end] = [Date.UTC(year, month), Date.UTC(year, month + 1)];
  return (now.getTime() - begin) / (end - begin);
}

/** What the month has cost so far, as far as it grows with files and hosts; alarms, keys and a day's sweeps are not in it. */
export function monthPriceOf({ now, heldBytes, servedBytes, hosts }: MonthUsage): MonthPrice {
  const share = shareOfMonth(now);
  const storage = rounded((heldBytes / gibibyte) * listPrices.s3GibibyteMonth.usd * share);
  const transfer = rounded((servedBytes / gibibyte) * listPrices.cdnGibibyte.usd);
  const fleet = rounded(hosts * listPrices.hostMonth.usd * share);
  return { ...priceList, storage, transfer, hosts: fleet, total: rounded(storage + transfer + fleet) };
}
