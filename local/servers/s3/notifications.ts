/**
 * Events for queues: kept in the store with the change that caused them, sent afterwards and removed when sent, so that
 * a killed server sends them later instead of never. A queue may get an event twice, as from AWS.
 *
 * Source: "Event message structure" and "Configuring event notifications using object key name filtering" in the S3
 * User Guide.
 */
import { randomUUID } from 'node:crypto';
import type { S3Room } from './call.ts';
import { isoDate } from './description.ts';
import { invalidArgument, malformedXml, notImplemented } from './errors.ts';
import type { StoredObject } from './records.ts';
import type { XmlNode } from './xml.ts';
import { childOf, childrenOf, parseXml, textOf } from './xml.ts';

interface QueueRule {
  readonly id: string;
  readonly queueArn: string;
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** @throws S3Error MalformedXML, InvalidArgument; NotImplemented for targets other than queues */
export function parseNotification(xml: string): readonly QueueRule[] {
  const root = parseXml(xml);
  if (root?.name !== 'NotificationConfiguration') throw malformedXml('NotificationConfiguration expected.');
  return root.children.map((child) => {
    if (child.name !== 'QueueConfiguration') throw notImplemented(`notifications by ${child.name}`);
    return readRule(child);
  });
}

function readRule(node: XmlNode): QueueRule {
  const queueArn = textOf(node, 'Queue');
  const events = childrenOf(node, 'Event').map((event) => event.text);
  if (!queueArn || events.length === 0) throw malformedXml('QueueConfiguration needs a Queue and an Event.');
  const unknown = events.find(
    (event) => !/^s3:Object(Created|Removed):(\*|Put|Copy|CompleteMultipartUpload|Delete)$/.test(event),
  );
  if (unknown !== undefined) throw invalidArgument(`The event '${unknown}' is not supported for notifications.`);
  const filter = childOf(node, 'Filter');
  const key = filter && childOf(filter, 'S3Key');
  let prefix = '';
  let suffix = '';
  for (const rule of key ? childrenOf(key, 'FilterRule') : []) {
    const name = textOf(rule, 'Name')?.toLowerCase();
    const value = textOf(rule, 'Value') ?? '';
    if (name === 'prefix') prefix = value;
    else if (name === 'suffix') suffix = value;
    else throw invalidArgument(`filter rule name must be either prefix or suffix, got '${name}'`);
  }
  return { id: textOf(node, 'Id') ?? randomUUID(), queueArn, events, prefix, suffix };
}

/** Puts the events of a change into the store. Called in the transaction of the change. */
export function announce(room: S3Room, eventName: string, object: StoredObject): void {
  const xml = room.store.document(object.bucket, 'notification');
  if (xml === undefined) return;
  for (const rule of parseNotification(xml)) {
    const wanted = rule.events.some(
      (event) => event === eventName || (event.endsWith('*') && eventName.startsWith(event.slice(0, -1))),
    );
    if (!wanted || !object.key.startsWith(rule.prefix) || !object.key.endsWith(rule.suffix)) continue;
    room.store.addEvent(rule.queueArn, eventBody(room, eventName, rule, object));
  }
}

function eventBody(room: S3Room, eventName: string, rule: QueueRule, object: StoredObject): string {
  const nowMs = room.nowMs();
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: room.options.region,
        eventTime: isoDate(nowMs),
        eventName: eventName.slice('s3:'.length),
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: rule.id,
          bucket: { name: object.bucket, arn: `arn:aws:s3:::${object.bucket}` },
          object: {
            // "The object key name value is URL encoded", in the way of forms: a space is a plus sign.
            key: encodeURIComponent(object.key).replaceAll('%20', '+').replaceAll('%2F', '/'),
            ...(eventName.startsWith('s3:ObjectCreated') ? { size: object.size, eTag: object.etag } : {}),
            // Grows with time, and so orders the events of a key.
            sequencer: nowMs.toString(16).toUpperCase().padStart(16, '0'),
          },
        },
      },
    ],
  });
}

/** Sends what waits, one event after the other; an event that cannot be sent stays for the next time. */
export async function sendEvents(room: S3Room, send: (queueArn: string, body: string) => Promise<void>): Promise<void> {
  for (;;) {
    const events = room.store.events(100);
    if (events.length === 0) return;
    for (const event of events) {
      await send(event.target, event.body);
      room.store.deleteEvent(event.id);
    }
  }
}
