import document from '../prices.json' with { type: 'json' };

/** What one of each costs, in USD; prices.json says of when and by which source. */
export const usdPer: Readonly<Record<keyof typeof document.prices, number>> = {
  dynamodbWriteUnit: document.prices.dynamodbWriteUnit.usd,
  dynamodbReadUnit: document.prices.dynamodbReadUnit.usd,
  s3Write: document.prices.s3Write.usd,
  s3Read: document.prices.s3Read.usd,
  lambdaRequest: document.prices.lambdaRequest.usd,
  lambdaGibibyteSecond: document.prices.lambdaGibibyteSecond.usd,
  httpApiRequest: document.prices.httpApiRequest.usd,
  logGigabyte: document.prices.logGigabyte.usd,
  event: document.prices.event.usd,
};
