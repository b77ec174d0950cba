/**
 * Lifecycle rules: Expiration by days and AbortIncompleteMultipartUpload are carried out; transitions change nothing
 * that a reader could see and are kept without effect; rules for old versions have nothing to do in buckets without
 * versions. Anything else is refused.
 *
 * Source: "Lifecycle configuration elements" and "Setting lifecycle configuration on a bucket" in the S3 User Guide:
 * days are counted from the creation and rounded up to the next midnight UTC.
 */
import type { S3Room } from './call.ts';
import { invalidArgument, malformedXml, notImplemented } from './errors.ts';
import { announce } from './notifications.ts';
import { isLocked } from './object-lock.ts';
import type { StoredObject } from './records.ts';
import type { XmlNode } from './xml.ts';
import { childOf, childrenOf, parseXml, textOf } from './xml.ts';

const DAY_MS = 24 * 3600 * 1000;
const PAGE = 1000;

interface Rule {
  readonly enabled: boolean;
  readonly prefix: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly largerThanBytes: number;
  readonly smallerThanBytes: number;
  readonly expireAfterDays: number | undefined;
  readonly abortUploadsAfterDays: number | undefined;
}

const KNOWN_ELEMENTS = new Set([
  'ID',
  'Status',
  'Prefix',
  'Filter',
  'Expiration',
  'AbortIncompleteMultipartUpload',
  'Transition',
  'NoncurrentVersionExpiration',
  'NoncurrentVersionTransition',
]);

/** @throws S3Error MalformedXML, InvalidArgument, NotImplemented */
export function parseLifecycle(xml: string): readonly Rule[] {
  const root = parseXml(xml);
  const rules = root?.name === 'LifecycleConfiguration' ? childrenOf(root, 'Rule') : [];
  if (rules.length === 0) throw malformedXml('LifecycleConfiguration needs a Rule.');
  return rules.map(readRule);
}

function readRule(node: XmlNode): Rule {
  const unknown = node.children.find((child) => !KNOWN_ELEMENTS.has(child.name));
  if (unknown) throw notImplemented(`${unknown.name} in lifecycle rules`);
  const status = textOf(node, 'Status');
  if (status !== 'Enabled' && status !== 'Disabled') throw malformedXml('Status must be Enabled or Disabled.');
  const expiration = childOf(node, 'Expiration');
  if (expiration && childOf(expiration, 'Date')) throw notImplemented('expiration by date');
  const abort = childOf(node, 'AbortIncompleteMultipartUpload');
  return {
    enabled: status === 'Enabled',
    ...readFilter(node),
    expireAfterDays: expiration && days(expiration, 'Days'),
    abortUploadsAfterDays: abort && days(abort, 'DaysAfterInitiation'),
  };
}

function days(node: XmlNode, name: string): number | undefined {
  const text = textOf(node, name);
  // ExpiredObjectDeleteMarker stands in for Days and concerns versions only.
  if (text === undefined && childOf(node, 'ExpiredObjectDeleteMarker')) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw invalidArgument(`'${name}' must be a positive integer, got '${text}'.`);
  return value;
}

function readFilter(node: XmlNode) {
  const filter = childOf(node, 'Filter');
  const inner = (filter && childOf(filter, 'And')) ?? filter;
  const number = (name: string, fallback: number) => {
    const text = inner && textOf(inner, name);
    return text === undefined ? fallback : Number(text);
  };
  return {
    prefix: (inner && textOf(inner, 'Prefix')) ?? textOf(node, 'Prefix') ?? '',
    tags: (inner ? childrenOf(inner, 'Tag') : []).map((tag) => ({
      key: textOf(tag, 'Key') ?? '',
      value: textOf(tag, 'Value') ?? '',
    })),
    largerThanBytes: number('ObjectSizeGreaterThan', -1),
    smallerThanBytes: number('ObjectSizeLessThan', Number.POSITIVE_INFINITY),
  };
}

export interface LifecycleSweep {
  readonly expiredObjects: number;
  readonly abortedUploads: number;
}

/** Carries out all rules of all buckets as of now. */
export async function sweepLifecycle(room: S3Room): Promise<LifecycleSweep> {
  let expiredObjects = 0;
  let abortedUploads = 0;
  for (const { name } of room.store.buckets()) {
    const xml = room.store.document(name, 'lifecycle');
    if (xml === undefined) continue;
    for (const rule of parseLifecycle(xml)) {
      if (!rule.enabled) continue;
      if (rule.expireAfterDays !== undefined) expiredObjects += await expire(room, name, rule, rule.expireAfterDays);
      if (rule.abortUploadsAfterDays !== undefined) {
        abortedUploads += await abortOld(room, name, rule, rule.abortUploadsAfterDays);
      }
    }
  }
  return { expiredObjects, abortedUploads };
}

/** When something is due that was made then and may live so many days. */
function dueMs(madeMs: number, afterDays: number): number {
  return Math.ceil((madeMs + afterDays * DAY_MS) / DAY_MS) * DAY_MS;
}

async function expire(room: S3Room, bucket: string, rule: Rule, afterDays: number): Promise<number> {
  const nowMs = room.nowMs();
  let count = 0;
  let from = Buffer.from(rule.prefix);
  for (;;) {
    const page = room.store.objects(bucket, from, undefined, PAGE);
    const within = page.filter((object) => object.key.startsWith(rule.prefix));
    for (const object of within) {
      if (!concerns(rule, object) || isLocked(room, object) || dueMs(object.modifiedMs, afterDays) > nowMs) continue;
      room.store.transaction(() => {
        room.store.deleteObject(bucket, object.key);
        announce(room, 's3:ObjectRemoved:Delete', object);
      });
      await room.blobs.remove(object.segments.map(({ blob }) => blob));
      count++;
    }
    const last = within.at(-1);
    if (!last || within.length < PAGE) break;
    from = Buffer.concat([Buffer.from(last.key), Buffer.of(0)]);
  }
  if (count > 0) room.eventsAdded();
  return count;
}

function concerns(rule: Rule, object: StoredObject): boolean {
  return (
    object.size > rule.largerThanBytes &&
    object.size < rule.smallerThanBytes &&
    rule.tags.every((wanted) => object.tags.some((tag) => tag.key === wanted.key && tag.value === wanted.value))
  );
}

async function abortOld(room: S3Room, bucket: string, rule: Rule, afterDays: number): Promise<number> {
  const nowMs = room.nowMs();
  let count = 0;
  for (const upload of room.store.uploads(bucket)) {
    if (!upload.key.startsWith(rule.prefix) || dueMs(upload.initiatedMs, afterDays) > nowMs) continue;
    const parts = room.store.transaction(() => {
      const all = room.store.parts(upload.id);
      room.store.deleteUpload(upload.id);
      return all;
    });
    await room.blobs.remove(parts.map((part) => part.blob));
    count++;
  }
  return count;
}
