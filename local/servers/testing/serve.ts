/** Runs one server in a process of its own, so that a test can kill it: `node serve.ts s3|dynamodb|sqs DIR`. */
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { startDynamoDb } from '../dynamodb/server.ts';
import { startS3 } from '../s3/server.ts';
import { startSqs } from '../sqs/server.ts';

const STARTERS: Readonly<Record<string, (options: ServerOptions) => Promise<EmbeddedServer>>> = {
  s3: startS3,
  dynamodb: startDynamoDb,
  sqs: startSqs,
};
const [service = '', dataDir = ''] = process.argv.slice(2);
const start = STARTERS[service];
if (!start || dataDir === '') throw new Error(`Usage: node serve.ts ${Object.keys(STARTERS).join('|')} DIR`);
const server = await start({
  dataDir,
  region: 'eu-west-1',
  accountId: '111122223333',
  authorize: () => ({ allowed: true }),
  secretOf: (id) => (id === 'KEY' ? 'SECRET' : undefined),
});
process.stdout.write(`${server.url}\n`);
