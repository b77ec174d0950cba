import { HeadObjectCommand, PutObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod/mini';
import { buildKey, parseKey } from '../../contract/keys.ts';
import { sha256 as sha256Form, timestamp } from '../../contract/primitives.ts';
import { payloadsBinding } from '../payloads/binding.ts';
import { deleteObject, immutable, isMissing } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import type { PackageFileCleaning, PackageFileStore } from './port.ts';

export interface AwsPackageFilesOptions {
  readonly s3: S3Client;
  /** The bucket of payloads, which the CDN serves. */
  readonly bucket: string;
  readonly now: () => Date;
}

/** How long an upload may begin at an address; it may take longer. The function's own credentials do not last for ever either. Seconds. */
const addressLastsSeconds = 3600;

const base64Of = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

/** Files of packages in S3. */
export function awsPackageFiles({ s3, bucket, now }: AwsPackageFilesOptions): PackageFileStore {
  return {
    async has({ sha256, size }) {
      try {
        const Key = buildKey({ kind: 'package-file', sha256 });
        const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));
        return head.ContentLength === size && head.ChecksumSHA256 === base64Of(sha256);
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },

    async uploadAddress(file) {
      const headers = {
        'cache-control': immutable,
        'content-length': String(file.size),
        'content-type': 'application/octet-stream',
        'if-none-match': '*',
        // S3 refuses bytes with another digest.
        'x-amz-checksum-sha256': base64Of(file.sha256),
      };
      const { protocol, hostname, port, path } = await placeOf(s3, bucket, buildKey({ kind: 'package-file', ...file }));
      const signer = new SignatureV4({
        service: 's3',
        region: await s3.config.region(),
        credentials: s3.config.credentials,
        sha256: s3.config.sha256,
        // S3 encodes a path once.
        uriEscapePath: false,
        applyChecksum: false,
      });
      const host = port === undefined ? hostname : `${hostname}:${port}`;
      const at = now();
      const signed = await signer.presign(
        {
          method: 'PUT',
          protocol,
          hostname,
          ...(port !== undefined && { port }),
          path,
          query: {},
          headers: { ...headers, host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
        },
        {
          expiresIn: addressLastsSeconds,
          signingDate: at,
          // In the query they would be advice; as signed headers they are conditions.
          unhoistableHeaders: new Set(Object.keys(headers)),
          signableHeaders: new Set([...Object.keys(headers), 'host']),
        },
      );
      const query = new URLSearchParams(
        Object.entries(signed.query ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
      );
      return {
        url: `${protocol}//${host}${path}?${query.toString().replaceAll('+', '%20')}`,
        headers,
        expiresAt: new Date(at.getTime() + addressLastsSeconds * 1000).toISOString(),
      };
    },
  };
}

interface Place {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly path: string;
}

/** Where the SDK would put an object: the request that it builds, which is not sent. */
async function placeOf(s3: S3Client, bucket: string, key: string): Promise<Place> {
  const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: '', ContentLength: 0 });
  let place: Place | undefined;
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        place = request as Place;
        return { output: { $metadata: {} }, response: {} };
      },
    { step: 'build', priority: 'low', name: 'onlyBuilt' },
  );
  await s3.send(command);
  if (place === undefined) throw new Error(`the SDK built no request for ${key}`);
  return place;
}

/** Since when files are named by nothing: few at a time, so one row has them all. */
export const unnamedRow = z.object({ version: z.literal(1), unnamed: z.record(sha256Form, timestamp) });

export interface AwsPackageCleaningOptions extends Pick<AwsPackageFilesOptions, 's3' | 'bucket'> {
  readonly dynamodb: DynamoDBDocumentClient;
  /** The table of payloads. */
  readonly table: string;
}

export function awsPackageCleaning({ s3, bucket, dynamodb, table }: AwsPackageCleaningOptions): PackageFileCleaning {
  const Key = { [payloadsBinding.table.partitionKey]: payloadsBinding.rows.unnamedPackageFiles };
  return {
    async *list() {
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: 'packages/' }))
        for (const file of page.Contents ?? []) {
          const parsed = parseKey(file.Key ?? '');
          if (parsed?.kind === 'package-file') yield { sha256: parsed.sha256, size: file.Size ?? 0 };
        }
    },
    remove: (sha256) => deleteObject(s3, bucket, buildKey({ kind: 'package-file', sha256 })),
    async unnamed() {
      const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      if (Item === undefined) return new Map();
      const parsed = z.safeParse(unnamedRow, Item);
      if (parsed.success) return new Map(Object.entries(parsed.data.unnamed));
      throw new StoreError('corrupt', `the row of files that no package names: ${z.prettifyError(parsed.error)}`);
    },
    async noteUnnamed(since) {
      const row: z.infer<typeof unnamedRow> = { version: 1, unnamed: Object.fromEntries(since) };
      await dynamodb.send(new PutCommand({ TableName: table, Item: { ...Key, ...row } }));
    },
  };
}
