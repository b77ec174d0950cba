/** What the calls of SQS have in common. */
import * as z from 'zod/mini';
import type { JsonCall } from '../json-service.ts';
import * as errors from './errors.ts';
import type { MessageStore } from './message-store.ts';
import type { Queue, QueueStore } from './queue-store.ts';
import type { Waiters } from './waiters.ts';

export interface SqsRoom {
  readonly queues: QueueStore;
  readonly messages: MessageStore;
  readonly waiters: Waiters;
  readonly region: string;
  readonly accountId: string;
  /** Address of this server without a slash at the end. */
  readonly url: () => string;
}

const onQueue = z.object({ QueueUrl: z.string() });

export const queueArn = (account: { readonly region: string; readonly accountId: string }, name: string) =>
  `arn:aws:sqs:${account.region}:${account.accountId}:${name}`;

/** The last part of the path; the host is not looked at, so that addresses of an earlier start still work. */
export function nameOf(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}

export const urlOf = (room: SqsRoom, name: string) => `${room.url()}/${room.accountId}/${name}`;

export function parse<S extends z.ZodMiniType>(schema: S, call: JsonCall): z.output<S> {
  const parsed = z.safeParse(schema, call.input);
  if (parsed.success) return parsed.data;
  throw errors.invalidParameterValue(`${call.operation}: ${z.prettifyError(parsed.error)}`);
}

export function find(room: SqsRoom, call: JsonCall): Queue {
  const queue = room.queues.queue(nameOf(parse(onQueue, call).QueueUrl));
  if (!queue) throw errors.queueDoesNotExist();
  return queue;
}
