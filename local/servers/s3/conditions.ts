/**
 * Conditional requests.
 *
 * Source: RFC 9110 section 13 for reads, "Add preconditions to S3 operations with conditional requests" in the S3 User
 * Guide for writes, deletes and copies.
 */
import type { S3Call } from './call.ts';
import { demand, header, objectArn } from './call.ts';
import { invalidArgument, noSuchKey, notImplemented, preconditionFailed } from './errors.ts';
import type { StoredObject } from './records.ts';

/** Whether a list of entity tags (`"a", "b"` or `*`) names this one. */
function names(list: string, etag: string): boolean {
  return list.split(',').some((one) => {
    const tag = one.trim().replace(/^W\//, '');
    return tag === '*' || tag.replace(/^"|"$/g, '') === etag;
  });
}

function dateOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const wholeSeconds = (ms: number) => Math.floor(ms / 1000) * 1000;

type Verdict = 'go' | 'not-modified' | { readonly failed: string };

/** @param prefix empty for GET and HEAD, `x-amz-copy-source-` for the source of a copy */
export function judgeRead(call: S3Call, object: StoredObject, prefix: '' | 'x-amz-copy-source-'): Verdict {
  const ifMatch = header(call, `${prefix}if-match`);
  const ifUnmodifiedSince = dateOf(header(call, `${prefix}if-unmodified-since`));
  const ifNoneMatch = header(call, `${prefix}if-none-match`);
  const ifModifiedSince = dateOf(header(call, `${prefix}if-modified-since`));
  const modified = wholeSeconds(object.modifiedMs);
  if (ifMatch !== undefined) {
    if (!names(ifMatch, object.etag)) return { failed: 'If-Match' };
  } else if (ifUnmodifiedSince !== undefined && modified > ifUnmodifiedSince) {
    return { failed: 'If-Unmodified-Since' };
  }
  if (ifNoneMatch !== undefined) {
    if (names(ifNoneMatch, object.etag)) return 'not-modified';
  } else if (ifModifiedSince !== undefined && modified <= ifModifiedSince) {
    return 'not-modified';
  }
  return 'go';
}

/**
 * Comparing an ETag tells something about the object: a write or delete with one needs the permission to read as well.
 * Source: "Enforce conditional writes" and "Enforce conditional deletes on Amazon S3 buckets" in the S3 User Guide.
 *
 * @throws S3Error AccessDenied
 */
export function demandForCondition(call: S3Call, key: string, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && ifMatch.trim() !== '*') demand(call, 's3:GetObject', objectArn(call.bucket, key));
}

/**
 * Permission to write the object of the call. Whether the write is conditional is part of what is asked: policies can
 * insist on it.
 *
 * @throws S3Error AccessDenied
 */
export function demandWrite(call: S3Call): void {
  const ifNoneMatch = header(call, 'if-none-match');
  const context = ifNoneMatch === undefined ? undefined : { 's3:if-none-match': [ifNoneMatch] };
  demand(call, 's3:PutObject', objectArn(call.bucket, call.key), context);
}

/**
 * Checks the condition of a write against what is there now. Called in the transaction that writes.
 *
 * @throws S3Error PreconditionFailed; NoSuchKey for If-Match on nothing
 */
export function checkWrite(call: S3Call, current: StoredObject | undefined): void {
  const ifNoneMatch = header(call, 'if-none-match');
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw notImplemented("If-None-Match with anything else than '*' on a write");
    if (current) throw preconditionFailed('If-None-Match');
  }
  const ifMatch = header(call, 'if-match');
  if (ifMatch === undefined) return;
  if (ifNoneMatch !== undefined) throw invalidArgument('If-Match and If-None-Match cannot both be given.');
  if (!current) throw noSuchKey(call.key);
  if (!names(ifMatch, current.etag)) throw preconditionFailed('If-Match');
}

/** @throws S3Error PreconditionFailed */
export function checkDelete(ifMatch: string | undefined, current: StoredObject | undefined): void {
  if (ifMatch === undefined) return;
  if (!current || !names(ifMatch, current.etag)) throw preconditionFailed('If-Match');
}
