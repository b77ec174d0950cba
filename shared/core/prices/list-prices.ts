/** What one of something costs. */
interface ListPrice {
  readonly usd: number;
  readonly of: string;
  readonly source: string;
}

/** Where and when the prices below were read. */
export const priceList = { region: 'us-east-1', currency: 'USD', asOf: '2026-11' } as const;

/** List prices of the first tier, without tax and free tiers. A GiB has 2^30 bytes, which AWS calls a GB. */
export const listPrices = {
  dynamodbWriteUnit: {
    usd: 0.625e-6,
    of: 'write request unit, standard table class, on demand',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  },
  dynamodbReadUnit: {
    usd: 0.125e-6,
    of: 'read request unit, standard table class, on demand; streams that Lambda reads are free',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  },
  s3Write: {
    usd: 5e-6,
    of: 'PUT, COPY, POST or LIST request, S3 Standard; deleting and aborting are free',
    source: 'https://aws.amazon.com/s3/pricing/',
  },
  s3Read: {
    usd: 0.4e-6,
    of: 'GET or other request, S3 Standard',
    source: 'https://aws.amazon.com/s3/pricing/',
  },
  s3GibibyteMonth: {
    usd: 0.023,
    of: 'GiB kept for a month, S3 Standard, first 50 TB',
    source: 'https://aws.amazon.com/s3/pricing/',
  },
  cdnGibibyte: {
    usd: 0.085,
    of: 'GiB from CloudFront to the internet, first 10 TB, United States and Europe; the first TB of a month is free',
    source: 'https://aws.amazon.com/cloudfront/pricing/pay-as-you-go/',
  },
  lambdaRequest: { usd: 0.2e-6, of: 'invocation', source: 'https://aws.amazon.com/lambda/pricing/' },
  lambdaGibibyteSecond: {
    usd: 1.33334e-5,
    of: 'second with one GiB of memory, arm64',
    source: 'https://aws.amazon.com/lambda/pricing/',
  },
  httpApiRequest: {
    usd: 1e-6,
    of: 'request to an HTTP API, per 512 KB begun',
    source: 'https://aws.amazon.com/api-gateway/pricing/',
  },
  logGigabyte: {
    usd: 0.5,
    of: 'GB taken in by CloudWatch Logs, standard class',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  event: {
    usd: 1e-6,
    of: 'custom event on EventBridge',
    source: 'https://aws.amazon.com/eventbridge/pricing/',
  },
  hostMonth: {
    usd: 0.99e-3,
    of: 'month of a host that checks in every two hours and reports twelve changes: API, functions, tables, logs, events',
    source: 'npm run bench -- reports',
  },
} as const satisfies Readonly<Record<string, ListPrice>>;
