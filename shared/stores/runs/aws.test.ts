import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsRunStarter } from './aws.ts';

/** A server that speaks Lambda's Invoke (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). */
let server: Server;
let client: LambdaClient;
let seen: { path: string | undefined; type: unknown; body: unknown }[];
let reply: { status: number; functionError?: string; body: string };

beforeEach(async () => {
  seen = [];
  reply = { status: 200, body: '{"version":1,"queued":2,"requeued":1}' };
  server = createServer(async (request, response) => {
    const type = request.headers['x-amz-invocation-type'];
    seen.push({ path: request.url, type, body: JSON.parse(await text(request)) });
    if (reply.functionError !== undefined) response.setHeader('x-amz-function-error', reply.functionError);
    response.writeHead(reply.status).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new LambdaClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'TESTS', secretAccessKey: 'tests-only' },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const starter = () =>
  awsRunStarter(client, { syncFunction: 'the-sync', sweepFunction: 'the-sweep', cleanFunction: 'the-cleaning' });

describe('a run', () => {
  it('of the synchronisation is started with its id, and not waited for', async () => {
    reply = { status: 202, body: '' };
    await starter().startSync('run-1', { allowOlder: true });
    expect(seen).toEqual([
      { path: '/2015-03-31/functions/the-sync/invocations', type: 'Event', body: { runId: 'run-1', allowOlder: true } },
    ]);
    await expect(starter().startSync('../x', {})).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });

  it('of the cleaning is started with its id and wishes, and not waited for', async () => {
    reply = { status: 202, body: '' };
    await starter().startCleaning('run-1', { dryRun: true, graceSeconds: 0 });
    const path = '/2015-03-31/functions/the-cleaning/invocations';
    expect(seen).toEqual([{ path, type: 'Event', body: { runId: 'run-1', dryRun: true, graceSeconds: 0 } }]);
  });

  it('of the sweep is waited for', async () => {
    expect(await starter().sweep()).toEqual({ version: 1, queued: 2, requeued: 1 });
    expect(seen).toEqual([{ path: '/2015-03-31/functions/the-sweep/invocations', type: 'RequestResponse', body: {} }]);
  });

  it('of the sweep that failed says so', async () => {
    reply = { status: 200, functionError: 'Unhandled', body: '{"errorMessage":"no table"}' };
    await expect(starter().sweep()).rejects.toMatchObject({
      name: 'StoreError',
      code: 'refused',
      message: expect.stringContaining('no table'),
    });
  });

  it('of the sweep that answers something else is not believed', async () => {
    reply = { status: 200, body: '{"queued":"many"}' };
    await expect(starter().sweep()).rejects.toThrow();
  });
});
