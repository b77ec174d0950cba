/** What all adapters of the request store agree on. */
import * as z from 'zod/mini';
import { payloadTransfer } from '../../contract/payload-transfer.ts';
import { fileRequestStates } from '../../contract/requests.ts';

/** Longest reason that is kept of a failed attempt. Characters. */
export const maxErrorLength = 1000;

/**
 * A file that was given up is asked for again at the earliest a day later: its host reports every few hours, and each
 * new try costs downloads and ends in the dead-letter queue if nothing changed. Seconds.
 */
export const defaultRetryFailedAfterSeconds = 24 * 3600;

/** Done and given-up requests are history for people; they are deleted after so long. Seconds. */
const keepEndedSeconds = 90 * 24 * 3600;

/** Unix time in seconds after which a request that ended then may be deleted. */
export function expiryOf(endedAt: string): number {
  return Math.floor(Date.parse(endedAt) / 1000) + keepEndedSeconds;
}

/**
 * One moment, one spelling, because conditions compare times as text: UTC with milliseconds.
 */
export function canonicalTime(timestamp: string): string {
  return new Date(timestamp).toISOString();
}

/** What a claim reads besides the request. Rows of before this was kept have neither. */
export const claimRow = z.object({
  transfer: z.optional(payloadTransfer),
  fruitlessClaims: z._default(z.int(), 1),
});

const keyText = z.string().check(z.minLength(1), z.maxLength(2048));
const inState = <S extends string>(state: S) =>
  z.strictObject({ sha1: keyText, state: z.literal(state), requestedAt: keyText });

const ofStates = {
  open: inState('open'),
  queued: inState('queued'),
  fetching: inState('fetching'),
  done: inState('done'),
  failed: inState('failed'),
};

/** Where a list goes on: the key of the last row of its page. A cursor of one list is refused by the others. */
export const positions = {
  ...ofStates,
  /** A list of all states goes on in one of them: behind a row, or from its first. */
  all: z.union([
    z.strictObject({ allFrom: z.enum(fileRequestStates) }),
    z.strictObject({ allAfter: z.union(Object.values(ofStates)) }),
  ]),
};
