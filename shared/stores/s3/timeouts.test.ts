import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { openObject } from './objects.ts';
import { connectionTimeouts } from './timeouts.ts';

it('a body that falls silent ends with an error', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { etag: '"x"', 'content-length': 1000 });
    response.write('the beginning');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    forcePathStyle: true,
    requestHandler: connectionTimeouts(100),
  });
  try {
    const object = await openObject(s3, 'bucket', 'key');
    const read = async (): Promise<void> => {
      for await (const _ of object?.body ?? []);
    };
    await expect(read()).rejects.toMatchObject({ name: 'TimeoutError' });
  } finally {
    s3.destroy();
    server.closeAllConnections();
    server.close();
  }
});
