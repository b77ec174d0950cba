import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperatorProfile } from '#shared/contract/login.ts';
import { main } from '../main.ts';

/** What the command line sent. */
interface Sent {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body: unknown;
}

interface Answer {
  /** @default 200 */
  readonly status?: number;
  readonly body: unknown;
}

/** What a run of the command line printed, and how it ended. */
export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line and keeps what it prints. */
export async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const exitCode = await main(args, { stdout: stream('stdout'), stderr: stream('stderr'), env });
  return { exitCode, ...printed };
}

/** An API on 127.0.0.1 that answers as a test says, so that a command is tested from its arguments to the wire. */
export interface TestApi {
  readonly url: string;
  /** The header authorization of what arrived, in order. */
  readonly tokens: (string | undefined)[];
  /** What arrived, in order. */
  readonly sent: Sent[];
  /** Changed by a test before it asks. */
  answer: (sent: Sent) => Answer;
  /** Runs the command line against this API. */
  ask(...args: readonly string[]): Promise<Ran>;
  /** Nobody listens at its address from then on. */
  stop(): Promise<void>;
  /** Stops it and clears up. */
  close(): Promise<void>;
}

/** Of somebody who is logged in for long. */
export const testProfile = (apiUrl: string): OperatorProfile => ({
  version: 2,
  apiUrl,
  issuer: 'https://login.example.org',
  clientId: 'command-line',
  tokens: { accessToken: 'test-token', expiresAt: '2999-01-01T00:00:00.000Z' },
});

/** Opens one; to be closed. */
export async function openApi(): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-api-'));
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const sent = { method: request.method ?? '', url: request.url ?? '', body };
    api.tokens.push(request.headers.authorization);
    api.sent.push(sent);
    const answer = api.answer(sent);
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`);
  const profileFile = join(folder, 'operator.json');
  const apiUrl = `http://127.0.0.1:${address.port}`;
  await writeFile(profileFile, JSON.stringify(testProfile(apiUrl)));
  const api: TestApi = {
    url: apiUrl,
    tokens: [],
    sent: [],
    answer: () => ({ status: 404, body: {} }),
    ask: (...args) => run(['--profile-file', profileFile, ...args]),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    async close() {
      await api.stop();
      await rm(folder, { recursive: true });
    },
  };
  return api;
}
