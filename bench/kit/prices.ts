import { listPrices } from '#shared/core/prices/list-prices.ts';

/** What one of each costs, in USD; the list says of when and by which source. */
export const usdPer = Object.fromEntries(Object.entries(listPrices).map(([name, { usd }]) => [name, usd])) as Readonly<
  Record<keyof typeof listPrices, number>
>;
