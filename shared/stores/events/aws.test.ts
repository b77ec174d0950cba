import { createServer } from 'node:net';
import { CreateEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { afterEach, expect, it } from 'vitest';
import { listenOnLoopbackPort } from '#local/servers/http.ts';
import { type ServedEvents, startEvents } from '#test/kit/aws-servers.ts';
import { awsEventSink } from './aws.ts';
import { eventSinkContract } from './contract-suite.ts';
import type { LostEvent } from './port.ts';

const running: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]();
});

async function start(): Promise<ServedEvents> {
  const served = await startEvents();
  running.push(served);
  await served.client.send(new CreateEventBusCommand({ Name: 'bus' }));
  return served;
}

const cached = { version: 1, sha1: 'b'.repeat(40), sha256: 'c'.repeat(64), size: 7 } as const;

eventSinkContract('EventBridge', async () => {
  const { client, events } = await start();
  const lost: LostEvent[] = [];
  let bus = 'bus';
  return {
    sink: {
      publish: (type, detail) => awsEventSink({ client, bus, onLost: (one) => lost.push(one) }).publish(type, detail),
    },
    lost,
    received: async () => events().map(({ detailType, detail }) => ({ type: detailType, detail })),
    // The call succeeds, and its entry is refused.
    break: async () => {
      bus = 'gone';
    },
  };
});

it('events come from the broker', async () => {
  const { client, events } = await start();
  const lost: LostEvent[] = [];
  await awsEventSink({ client, bus: 'bus', onLost: (one) => lost.push(one) }).publish('FileCached', cached);
  expect(lost).toEqual([]);
  expect(events()).toMatchObject([{ bus: 'bus', source: 'kbroker', detailType: 'FileCached' }]);
});

it('whoever publishes does not wait for a bus that does not answer', async () => {
  const silent = createServer((socket) => socket.on('error', () => {}));
  const client = new EventBridgeClient({
    endpoint: `http://127.0.0.1:${await listenOnLoopbackPort(silent)}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'KEY', secretAccessKey: 'SECRET' },
  });
  const lost: LostEvent[] = [];
  const sink = awsEventSink({ client, bus: 'bus', onLost: (one) => lost.push(one), timeoutMilliseconds: 50 });
  await sink.publish('FileCached', cached);
  expect(lost).toMatchObject([{ type: 'FileCached', error: { name: expect.stringMatching(/Abort|Timeout/) } }]);
  client.destroy();
  silent.close();
});
