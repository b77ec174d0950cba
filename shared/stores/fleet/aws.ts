import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type DynamoDBDocumentClient, PutCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import {
  decodePartition,
  encodePartition,
  FleetSnapshotError,
  fleetBeats,
  fleetManifest,
} from '../../contract/fleet-snapshot.ts';
import { hostItems } from '../../contract/host-records.ts';
import { buildKey } from '../../contract/keys.ts';
import { inOneLine, parseInWords } from '../../contract/parse.ts';
import { deleteObject, isConflict, openObject } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import { damaged, type FleetRows, type FleetStore } from './port.ts';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** The snapshot in S3. Objects are replaced where they are, and only from the one that was read. */
export function awsFleetStore(s3: S3Client, bucket: string): FleetStore {
  const manifestKey = buildKey({ kind: 'fleet-manifest' });
  const read = async (key: string): Promise<{ bytes: Buffer; tag: string } | undefined> => {
    const object = await openObject(s3, bucket, key);
    if (object === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of object.body) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), tag: object.tag };
  };
  const write = async (
    key: string,
    body: Uint8Array | string,
    ContentType: string,
    tag: string | undefined | typeof damaged,
  ): Promise<string> => {
    const condition = tag === undefined ? { IfNoneMatch: '*' } : tag === damaged ? {} : { IfMatch: tag };
    try {
      const { ETag } = await s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType, ...condition }),
      );
      if (ETag === undefined) throw new Error(`S3 gave no tag for ${key}`);
      return ETag;
    } catch (error) {
      // An object that was deleted meanwhile answers 404 to If-Match: it is not the one that was read either.
      if (isConflict(error) || (typeof tag === 'string' && error instanceof Error && error.name === 'NoSuchKey'))
        throw new StoreError('conflict', `${key} is not the one that was read`, { cause: error });
      throw error;
    }
  };
  return {
    async manifest() {
      const object = await read(manifestKey);
      return object && { value: parseManifest(object.bytes.toString(), manifestKey), tag: object.tag };
    },

    async putManifest(manifest, tag) {
      await write(manifestKey, JSON.stringify(z.parse(fleetManifest, manifest)), 'application/json', tag);
    },

    async partition(layout, index) {
      const key = buildKey({ kind: 'fleet-partition', layout, index });
      const object = await read(key);
      if (object === undefined) return undefined;
      try {
        const value = decodePartition(await unzip(object.bytes));
        if (value.layout !== layout || value.index !== index)
          throw new FleetSnapshotError(`it is partition ${value.index} of layout ${value.layout}`);
        return { value, tag: object.tag };
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new StoreError('corrupt', `${key} does not parse: ${why}`, { cause });
      }
    },

    putPartition: async (stored, tag) =>
      write(
        buildKey({ kind: 'fleet-partition', layout: stored.layout, index: stored.index }),
        await zip(encodePartition(stored), { level: 4 }),
        'application/octet-stream',
        tag,
      ),

    async dropLayout(layout, partitions) {
      for (let index = 0; index < partitions; index++)
        await deleteObject(s3, bucket, buildKey({ kind: 'fleet-partition', layout, index }));
    },
  };
}

function parseManifest(text: string, key: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StoreError('corrupt', `${key} is not JSON`, { cause });
  }
  const parsed = parseInWords(fleetManifest, value);
  if (parsed.success) return parsed.data;
  throw new StoreError('corrupt', `${key} does not parse: ${inOneLine(parsed.faults)}`);
}

/** The rows that the snapshot is made of, and the beats among them. */
export function awsFleetRows(dynamodb: DynamoDBDocumentClient, table: string): FleetRows {
  return {
    async *pages() {
      for await (const { Items } of paginateScan({ client: dynamodb }, { TableName: table, ConsistentRead: true }))
        yield Items ?? [];
    },
    async beat(number, at) {
      const machineId = `${fleetBeats.keyPrefix}${number}`;
      await dynamodb.send(new PutCommand({ TableName: table, Item: { machineId, item: hostItems.beat, at } }));
    },
  };
}
