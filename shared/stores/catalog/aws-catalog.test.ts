import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import { catalogOf, sha256, unit } from '#test/kit/values.ts';
import { documentClient } from '../dynamodb/document-client.ts';
import { awsCatalogStore } from './aws-catalog.ts';

it('a connection that breaks in the middle of a snapshot is not taken for a damaged snapshot', async () => {
  const zipped = gzipSync(Buffer.concat([...encodeSnapshot(catalogOf([unit(1)]))]));
  const server = createServer((_request, response) => {
    response.writeHead(200, { etag: '"x"', 'content-length': zipped.byteLength });
    response.write(zipped.subarray(0, 20), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const region = 'eu-central-1';
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const { port } = server.address() as AddressInfo;
  const s3 = new S3Client({ endpoint: `http://127.0.0.1:${port}`, region, credentials, forcePathStyle: true });
  const dynamodb = documentClient(new DynamoDBClient({ region, credentials }));
  const store = awsCatalogStore({ dynamodb, s3, table: 'table', bucket: 'bucket', sleep: async () => {} });
  try {
    const failure = await store.getSnapshot(sha256('index')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ECONNRESET' });
  } finally {
    s3.destroy();
    server.close();
  }
});
