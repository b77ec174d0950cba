import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceCall } from '../../types.ts';
import { type EventBridgeServer, startEventBridge } from './server.ts';

let dataDir: string;
let server: EventBridgeServer;
let client: EventBridgeClient;
let calls: ServiceCall[];
let denied: (call: ServiceCall) => boolean;

const start = () =>
  startEventBridge({
    dataDir,
    keep: 3,
    region: 'eu-west-1',
    accountId: '111122223333',
    secretOf: (id) => (id === 'KEY' ? 'SECRET' : undefined),
    authorize: (call) => {
      calls.push(call);
      return denied(call) ? { allowed: false, message: `not authorized: ${call.action}` } : { allowed: true };
    },
  });
const clientOf = ({ url }: EventBridgeServer, secretAccessKey = 'SECRET') =>
  new EventBridgeClient({
    endpoint: url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'KEY', secretAccessKey },
    maxAttempts: 1,
  });

beforeEach(async () => {
  calls = [];
  denied = () => false;
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-events-'));
  server = await start();
  client = clientOf(server);
  await client.send(new CreateEventBusCommand({ Name: 'broker' }));
});
afterEach(async () => {
  client.destroy();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

const busArn = 'arn:aws:events:eu-west-1:111122223333:event-bus/broker';
const entry = (more: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry => ({
  EventBusName: 'broker',
  Source: 'tests',
  DetailType: 'Happened',
  Detail: '{"n":1}',
  ...more,
});
const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));
const kept = () => server.events().map(({ detail }) => detail);

describe('events', () => {
  it('are kept as they were sent, to a bus by its name or its ARN', async () => {
    const { FailedEntryCount, Entries = [] } = await put(
      entry({ Time: new Date('2026-07-14T12:00:00Z') }),
      entry({ EventBusName: busArn, Detail: '{"n":2}' }),
    );
    expect(FailedEntryCount).toBe(0);
    expect(server.events()).toEqual([
      {
        id: Entries[0]?.EventId,
        bus: 'broker',
        time: '2026-07-14T12:00:00.000Z',
        source: 'tests',
        detailType: 'Happened',
        detail: { n: 1 },
      },
      expect.objectContaining({ id: Entries[1]?.EventId, bus: 'broker', detail: { n: 2 } }),
    ]);
  });

  it('of a bus are forgotten beyond the last few', async () => {
    for (let n = 1; n <= 5; n += 1) await put(entry({ Detail: `{"n":${n}}` }));
    expect(kept()).toEqual([{ n: 3 }, { n: 4 }, { n: 5 }]);
  });

  it('are there after a restart', async () => {
    await put(entry());
    await server.close();
    server = await start();
    expect(kept()).toEqual([{ n: 1 }]);
    client.destroy();
    client = clientOf(server);
    await put(entry({ Detail: '{"n":2}' }));
    expect(kept()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it.each([
    ['without a source', { Source: '' }, 'InvalidArgument'],
    ['whose detail is not JSON', { Detail: '{' }, 'MalformedDetail'],
    ['whose detail is no object', { Detail: '[1]' }, 'MalformedDetail'],
    ['for a bus that is not there', { EventBusName: 'other' }, 'InvalidArgument'],
  ])('%s fail alone, beside others that arrive', async (_, more, code) => {
    const answer = await put(entry(), entry(more));
    expect(answer).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ EventId: expect.any(String) }, { ErrorCode: code }],
    });
    expect(kept()).toEqual([{ n: 1 }]);
  });

  it('fail as a whole when none of them can be understood, or there are none or too many', async () => {
    await expect(put(entry({ Detail: '' }))).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(put()).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(put(...Array.from({ length: 11 }, () => entry()))).rejects.toMatchObject({
      name: 'ValidationException',
    });
    const large = JSON.stringify({ text: 'x'.repeat(256 * 1024) });
    await expect(put(entry({ Detail: large }))).rejects.toMatchObject({ name: 'ValidationException' });
    expect(kept()).toEqual([]);
  });
});

describe('permission', () => {
  it('is asked for each event by its bus, source and type', async () => {
    calls = [];
    await put(entry(), entry({ DetailType: 'Other' }));
    expect(calls).toEqual([
      expect.objectContaining({
        action: 'events:PutEvents',
        resource: busArn,
        context: { 'events:source': ['tests'], 'events:detail-type': ['Happened'] },
      }),
      expect.objectContaining({ context: { 'events:source': ['tests'], 'events:detail-type': ['Other'] } }),
    ]);
  });

  it('for some of them is permission for none', async () => {
    denied = ({ context }) => context?.['events:detail-type']?.[0] === 'Other';
    await expect(put(entry(), entry({ DetailType: 'Other' }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(kept()).toEqual([]);
  });

  it('needs a signature', async () => {
    const stranger = clientOf(server, 'guessed');
    await expect(stranger.send(new PutEventsCommand({ Entries: [entry()] }))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
    stranger.destroy();
  });
});

it('a bus is made once', async () => {
  await expect(client.send(new CreateEventBusCommand({ Name: 'broker' }))).rejects.toMatchObject({
    name: 'ResourceAlreadyExistsException',
  });
});

it('what is not modelled is refused by name', async () => {
  await expect(client.send(new PutRuleCommand({ Name: 'r', EventPattern: '{}' }))).rejects.toThrow(/PutRule/);
});
