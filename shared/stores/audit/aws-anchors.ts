import { ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { type AuditAnchor, auditAnchor } from '../../contract/audit.ts';
import { auditAnchorPrefix, buildKey, parseKey } from '../../contract/keys.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { isConflict, openObject } from '../s3/objects.ts';
import type { AuditAnchorStore } from './port.ts';

const position = z.strictObject({ afterDay: z.iso.date() });
/** Objects read at a time. */
const parallel = 20;

/**
 * Anchors in S3, an object per day. The bucket locks each object from the moment on that it is written; S3 itself refuses
 * a second one of the same day.
 */
export function awsAuditAnchorStore(s3: S3Client, bucket: string): AuditAnchorStore {
  return {
    async put(anchor) {
      const body = `${JSON.stringify(z.parse(auditAnchor, anchor))}\n`;
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: keyOf(anchor.date),
            Body: body,
            ContentType: 'application/json',
            IfNoneMatch: '*',
          }),
        );
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },

    async list({ cursor, limit }) {
      const { Contents, IsTruncated } = await s3.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: auditAnchorPrefix,
          MaxKeys: limit,
          ...(cursor !== undefined && { StartAfter: keyOf(decodeCursor(position, cursor).afterDay) }),
        }),
      );
      const keys = (Contents ?? []).flatMap(({ Key }) => Key ?? []);
      const items: AuditAnchor[] = [];
      const unreadable: string[] = [];
      for (let start = 0; start < keys.length; start += parallel) {
        const some = keys.slice(start, start + parallel);
        const read = await Promise.all(some.map((key) => readAnchor(s3, bucket, key)));
        for (const [index, anchor] of read.entries()) {
          if (anchor === undefined) unreadable.push(some[index] ?? '');
          else items.push(anchor);
        }
      }
      const last = parseKey(keys.at(-1) ?? '');
      const next = IsTruncated === true && last?.kind === 'audit-anchor' && encodeCursor({ afterDay: last.date });
      return { items, unreadable, ...(next !== false && { next }) };
    },
  };
}

const keyOf = (date: string): string => buildKey({ kind: 'audit-anchor', date });

/** `undefined` for what is not the anchor of the day that its key names. */
async function readAnchor(s3: S3Client, bucket: string, key: string): Promise<AuditAnchor | undefined> {
  const object = await openObject(s3, bucket, key);
  if (object === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of object.body) chunks.push(chunk);
  let content: unknown;
  try {
    content = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // Not JSON: the schema refuses undefined.
  }
  const parsed = z.safeParse(auditAnchor, content);
  return parsed.success && keyOf(parsed.data.date) === key ? parsed.data : undefined;
}
