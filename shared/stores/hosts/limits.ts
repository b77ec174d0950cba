/**
 * Bytes of a gzipped report at most. A DynamoDB item holds 400 KB, names included
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); the rest is for what stands beside it.
 */
export const maxStoredReportBytes = 390_000;

/** Bytes that are kept of a body which did not parse; the rest is cut off. */
export const maxRejectedBytes = 64 * 1024;

/** Characters that are kept of the reason why it did not. */
export const maxRejectedReason = 1024;

/** A body that did not parse is kept so long. Days. */
export const rejectedDays = 30;

/** Machines on a host's row that used its key; the latest stay. */
export const maxClones = 10;

/**
 * Of the machines that use one key, one is noted in so much time: whoever has a key can invent machines as fast as they can
 * send. The others are noted when they come again. Milliseconds.
 */
export const clonePause = 60_000;
