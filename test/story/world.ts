import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { inject } from 'vitest';
import { createOperatorClient, type OperatorClient } from '#cli/client.ts';
import { type Administrator, openAdministrator } from '#local/administrator.ts';
import { logIn, type Tokens } from '#local/identity/login.ts';
import { startStack } from '#local/stack.ts';
import type { AddressBook, LocalStack, StackLogLine, StackOptions } from '#local/types.ts';
import { startFakeMicrosoft } from '#local/upstream/server.ts';
import type { FakeMicrosoft } from '#local/upstream/types.ts';
import type { Role } from '#shared/contract/access.ts';
import type { OperatorProfile } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook, RulesDocument } from '#shared/contract/rules.ts';

/** A whole broker on loopback: the synthesized stack, the fake Microsoft, and hands to reach into both. */
export interface World {
  readonly folder: string;
  readonly microsoft: FakeMicrosoft;
  readonly stack: LocalStack;
  /** The operators' API, as the administrator. */
  readonly call: OperatorClient;
  /** The same as the made-up person of a role. */
  callAs(role: Role): OperatorClient;
  /** Tokens of that person, from a real login. */
  tokensOf(role: Role): Promise<Tokens>;
  /** What `kbroker` is told in its profile file. */
  profileOf(role: Role): Promise<OperatorProfile>;
  /** The administrator of the signed repository, which is made when this is asked for first. */
  administrator(): Promise<Administrator>;
  /** A token of this group, good for any number of hosts. @param group @default 'everyone' */
  enrolmentToken(group?: string): Promise<string>;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly log: readonly StackLogLine[];
  output(name: string): string;
  /** Runs the schedule of a function once; fails when the function does. */
  run(functionOutput: 'SyncIndexFunction' | 'SweepRequestsFunction' | 'CleanPayloadsFunction'): Promise<unknown>;
  /** Signs and writes the rules anew, whatever they were. Hosts that come after it hear of them. */
  setRules(book: RuleBook): Promise<RulesDocument>;
  close(): Promise<void>;
}

/** Seed of the invented Microsoft; hosts of the same seed have what it offers. */
export const worldSeed = 1;

/** 90 minutes of visibility become three seconds. */
const speed = 1800;

export interface WorldOptions {
  /** Folder of an earlier world, to go on with. */
  readonly folder?: string;
  readonly stack?: Partial<StackOptions>;
  /** What functions get for the address book of the fake Microsoft. @default that one */
  readonly upstream?: (addresses: AddressBook) => AddressBook;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'kbroker-story-')));
  const log: StackLogLine[] = [];
  const microsoft = await startFakeMicrosoft({ dataDir: join(folder, 'microsoft'), seed: worldSeed });
  const stack = await startStack({
    assemblyDir: inject('assemblyDir'),
    dataDir: join(folder, 'stack'),
    upstream: options.upstream?.(microsoft.addresses) ?? microsoft.addresses,
    secrets: inject('repositorySecrets'),
    schedules: false,
    speed,
    log: (line) => log.push(line),
    ...options.stack,
  });
  const output = (name: string): string => {
    const value = stack.outputs[name];
    if (value === undefined)
      throw new Error(`the stack has no output ${name}: ${Object.keys(stack.outputs).join(', ')}`);
    return value;
  };
  const administrator = { region: stack.region, credentials: stack.administrator };
  const s3 = new S3Client({ ...administrator, endpoint: stack.endpoints.s3, forcePathStyle: true });
  const sqs = new SQSClient({ ...administrator, endpoint: stack.endpoints.sqs });
  const issuer = output('Issuer');
  const clientId = output('ClientId');
  const apiUrl = output('ApiUrl');
  const logins = new Map<Role, Promise<Tokens>>();
  const tokensOf = (role: Role): Promise<Tokens> => {
    const login = logins.get(role) ?? logIn({ issuer, clientId, username: role });
    logins.set(role, login);
    return login;
  };
  const callAs = (role: Role): OperatorClient =>
    createOperatorClient({ apiUrl: new URL(apiUrl), accessToken: async () => (await tokensOf(role)).accessToken });
  const call = callAs('administrator');
  const enrolmentTokens = new Map<string, Promise<string>>();
  let opening: Promise<Administrator> | undefined;
  const administratorOfTrust = (): Promise<Administrator> => {
    opening ??= openAdministrator({ call, folder: join(folder, 'trust') });
    return opening;
  };
  /** Resolves when what was told to the publisher is out. */
  const published = (): Promise<void> => stack.drained(output('PublishQueueUrl'));
  const newToken = async (group: string): Promise<string> => {
    const { rootSha256 } = await administratorOfTrust();
    const body = { version: 1, group, uses: 100_000, expiresInSeconds: 24 * 3600, rootSha256 } as const;
    return (await call(operatorEndpoints.createToken, { body })).token;
  };
  return {
    folder,
    microsoft,
    stack,
    call,
    callAs,
    tokensOf,
    profileOf: async (role) => ({ version: 2, apiUrl, issuer, clientId, tokens: await tokensOf(role) }),
    enrolmentToken(group = 'everyone') {
      const token = enrolmentTokens.get(group) ?? newToken(group);
      enrolmentTokens.set(group, token);
      return token;
    },
    administrator: administratorOfTrust,
    s3,
    sqs,
    log,
    output,
    async run(functionOutput) {
      const result = await stack.trigger(output(functionOutput));
      if (!result.ok) throw new Error(`${functionOutput}: ${result.kind}: ${result.error}\n${tail(log)}`);
      await published();
      return result.payload;
    },
    async setRules(book) {
      const written = await (await administratorOfTrust()).putRules(book);
      await published();
      return written;
    },
    async close() {
      await stack.close();
      await microsoft.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

const tail = (log: readonly StackLogLine[]): string =>
  log
    .slice(-20)
    .map(({ source, level, message }) => `${source} ${level} ${message}`)
    .join('\n');

/** Keys of all objects in a bucket. */
export async function keysOf(world: World, bucketOutput: string): Promise<string[]> {
  const listed = await world.s3.send(new ListObjectsV2Command({ Bucket: world.output(bucketOutput) }));
  return (listed.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key])).sort();
}

export async function objectBytes(world: World, bucketOutput: string, key: string): Promise<Uint8Array> {
  const answer = await world.s3.send(new GetObjectCommand({ Bucket: world.output(bucketOutput), Key: key }));
  if (answer.Body === undefined) throw new Error(`${key} has no body`);
  return answer.Body.transformToByteArray();
}

export async function sendToFetchQueue(world: World, body: string): Promise<void> {
  await world.sqs.send(new SendMessageCommand({ QueueUrl: world.output('FetchQueueUrl'), MessageBody: body }));
}

/** Messages that a queue holds, in any state. */
export async function queueLength(world: World, queueOutput: string): Promise<number> {
  const answer = await world.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: world.output(queueOutput), AttributeNames: ['All'] }),
  );
  const attributes: Readonly<Record<string, string | undefined>> = answer.Attributes ?? {};
  return ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed']
    .map((name) => Number(attributes[name] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}

/** Looks so seldom at most that one person who asks the API stays below the requests of a minute. Milliseconds. */
const longestPause = 1000;

/**
 * Waits until the condition holds; says what it last saw when it does not within the time. Looks less and less often,
 * down to once in `pauseAtMost` milliseconds: shorter where what it waits for is soon over again.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  { timeoutMilliseconds = 60_000, pauseAtMost = longestPause } = {},
): Promise<T> {
  const end = Date.now() + timeoutMilliseconds;
  for (let pause = 100; ; pause = Math.min(pauseAtMost, pause * 1.5)) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
