/** A server on a fresh folder for a test, with two callers: one who may do everything, and one who is asked about. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { S3Client } from '@aws-sdk/client-s3';
import type { ServiceCall } from '../../../types.ts';
import type { S3Options, S3Server } from '../server.ts';
import { startS3 } from '../server.ts';

export const REGION = 'eu-west-1';
const ACCOUNT_ID = '111122223333';
export const SECRETS: Readonly<Record<string, string>> = { ADMIN: 'admin-secret', ROLE: 'role-secret' };

export interface TestS3 {
  readonly dataDir: string;
  /** Server of now: a restart replaces it. */
  server: S3Server;
  /** May do everything. */
  readonly client: S3Client;
  /** Calls that were asked about, of both callers, in order. */
  readonly calls: ServiceCall[];
  /** Grants of the caller ROLE: `action resource`, where the resource may end in `*`. */
  grants: string[];
  clientOf(accessKeyId: string, config?: S3ClientConfig): S3Client;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export function testOptions(dataDir: string, authorize: S3Options['authorize']): S3Options {
  return { dataDir, region: REGION, accountId: ACCOUNT_ID, authorize, secretOf: (id) => SECRETS[id] };
}

function s3Client(url: string, accessKeyId: string, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: url,
    region: REGION,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: SECRETS[accessKeyId] ?? 'unknown' },
    ...config,
  });
}

export async function startTestS3(options: Partial<S3Options> = {}): Promise<TestS3> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kbroker-s3-'));
  const calls: ServiceCall[] = [];
  const clients: S3Client[] = [];
  const all: S3Options = {
    ...testOptions(dataDir, (call) => {
      calls.push(call);
      const granted = test.grants.some((grant) => {
        const [action, resource = ''] = grant.split(' ');
        return (
          action === call.action &&
          (resource.endsWith('*') ? call.resource.startsWith(resource.slice(0, -1)) : resource === call.resource)
        );
      });
      return call.accessKeyId === 'ADMIN' || granted
        ? { allowed: true }
        : { allowed: false, message: `${call.accessKeyId} is not authorized to perform: ${call.action}` };
    }),
    ...options,
  };
  const server = await startS3(all);
  const port = Number(new URL(server.url).port);
  const clientOf = (accessKeyId: string, config?: S3ClientConfig) => {
    const client = s3Client(server.url, accessKeyId, config);
    clients.push(client);
    return client;
  };
  const test: TestS3 = {
    dataDir,
    server,
    client: clientOf('ADMIN'),
    calls,
    grants: [],
    clientOf,
    restart: async () => {
      await test.server.close();
      test.server = await startS3({ ...all, port });
    },
    stop: async () => {
      for (const client of clients) client.destroy();
      await test.server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return test;
}
