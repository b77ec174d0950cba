/**
 * Bytes of a gzipped report at most. A DynamoDB item holds 400 KB, names included
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); the rest is for the summary.
 */
export const maxStoredReportBytes = 390_000;
