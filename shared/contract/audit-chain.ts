/**
 * The audit log's hash chain: how an entry gets its place, and how the chain is checked. Broker and command line share
 * this file; the digest is an argument, because neither room may say where it comes from.
 */
import type { AuditAnchor, AuditEntry, AuditRecord } from './audit.ts';
import { canonicalJson } from './canonical-json.ts';

/** SHA-256 of the text in UTF-8, lower-case hex. */
export type Sha256OfText = (text: string) => string;

/** What an entry is chained to. */
export type ChainHead = Pick<AuditEntry, 'number' | 'hash'>;

/** Before the first entry. */
export const chainStart: ChainHead = { number: 0, hash: '0'.repeat(64) };

/** Text of an entry whose SHA-256 is the entry's hash: all of it but the hash, as canonical JSON. */
export function auditEntryText({ hash: _, ...entry }: AuditEntry): string {
  return canonicalJson(entry);
}

/** The entry that comes after `previous`. */
export function nextAuditEntry(record: AuditRecord, previous: ChainHead, sha256: Sha256OfText): AuditEntry {
  const entry = { ...record, version: 1 as const, number: previous.number + 1, previousHash: previous.hash };
  return { ...entry, hash: sha256(auditEntryText({ ...entry, hash: '' })) };
}

/**
 * Checks that an entry follows `previous` and is as it was written.
 *
 * @returns what is wrong, in words; `undefined` when nothing is
 */
export function faultInChain(entry: AuditEntry, previous: ChainHead, sha256: Sha256OfText): string | undefined {
  const expected = previous.number + 1;
  if (entry.number > expected) {
    const last = entry.number - 1;
    return expected === last ? `entry ${expected} is missing` : `entries ${expected} to ${last} are missing`;
  }
  if (entry.number < expected) return `entry ${entry.number} comes again after entry ${previous.number}`;
  if (sha256(auditEntryText(entry)) !== entry.hash)
    return `entry ${entry.number} was changed: its content does not give its hash`;
  if (entry.previousHash !== previous.hash)
    return previous.number === 0
      ? 'entry 1 names an entry before it'
      : `entry ${entry.number} does not follow entry ${previous.number}: one of the two was replaced`;
  return undefined;
}

/**
 * Compares an anchor with the chain.
 *
 * @param hashOf hash of the entry of that number; `undefined` when the chain has none
 * @returns what is wrong, in words; `undefined` when nothing is
 */
export function faultOfAnchor(anchor: AuditAnchor, hashOf: (number: number) => string | undefined): string | undefined {
  const hash = anchor.number === 0 ? chainStart.hash : hashOf(anchor.number);
  if (hash === undefined)
    return `the anchor of ${anchor.date} names entry ${anchor.number}, which the chain does not have: its end was cut off`;
  if (hash !== anchor.hash)
    return `the anchor of ${anchor.date} has another hash for entry ${anchor.number}: the chain was written anew up to there or before`;
  return undefined;
}
