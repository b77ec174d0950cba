/** The calls about queues. Source: Amazon SQS API Reference, JSON protocol. */
import * as z from 'zod/mini';
import type { JsonCall } from '../json-service.ts';
import type { Attributes } from './attributes.ts';
import { checkAttributes, DEFAULTS, FIFO_DEFAULTS, parseRedrivePolicy } from './attributes.ts';
import * as errors from './errors.ts';
import type { SqsRoom } from './room.ts';
import { find, parse, queueArn, urlOf } from './room.ts';

const textMap = z.record(z.string(), z.string());

export function createQueue(room: SqsRoom, call: JsonCall) {
  const schema = z.object({ QueueName: z.string(), Attributes: z.optional(textMap), tags: z.optional(textMap) });
  const { QueueName: name, Attributes: given = {}, tags = {} } = parse(schema, call);
  const fifo = given.FifoQueue === 'true';
  if (!/^[A-Za-z0-9_-]{1,75}(\.fifo)?$/.test(name) || name.length > 80 || name.endsWith('.fifo') !== fifo) {
    throw errors.invalidParameterValue(
      'Can only include alphanumeric characters, hyphens, or underscores, 1 to 80 in length; the name of a FIFO queue ends in .fifo.',
    );
  }
  checkAttributes(given);
  const existing = room.queues.queue(name);
  if (existing) {
    const other = Object.entries(given).find(([key, value]) => existing.attributes[key] !== value);
    if (other) throw errors.queueNameExists(other[0]);
  } else {
    room.queues.createQueue(name, { ...DEFAULTS, ...(fifo ? FIFO_DEFAULTS : {}), ...given }, tags);
  }
  return { QueueUrl: urlOf(room, name) };
}

export function getQueueUrl(room: SqsRoom, call: JsonCall) {
  const { QueueName } = parse(z.object({ QueueName: z.string() }), call);
  if (!room.queues.queue(QueueName)) throw errors.queueDoesNotExist();
  return { QueueUrl: urlOf(room, QueueName) };
}

export function listQueues(room: SqsRoom, call: JsonCall) {
  const schema = z.object({
    QueueNamePrefix: z.optional(z.string()),
    MaxResults: z.optional(z.int().check(z.gte(1), z.lte(1000))),
    NextToken: z.optional(z.string()),
  });
  const { QueueNamePrefix: prefix = '', MaxResults, NextToken = '' } = parse(schema, call);
  const names = room.queues
    .queues()
    .map((queue) => queue.name)
    .filter((name) => name.startsWith(prefix) && name > NextToken);
  const page = names.slice(0, MaxResults ?? 1000);
  return {
    QueueUrls: page.map((name) => urlOf(room, name)),
    // Given only to a caller who asked for pages, as on AWS.
    ...(MaxResults !== undefined && names.length > page.length ? { NextToken: page.at(-1) } : {}),
  };
}

export function getQueueAttributes(room: SqsRoom, call: JsonCall) {
  const schema = z.object({ QueueUrl: z.string(), AttributeNames: z.optional(z.array(z.string())) });
  const names = parse(schema, call).AttributeNames ?? [];
  const queue = find(room, call);
  const counts = room.messages.counts(queue);
  const all: Attributes = {
    ...queue.attributes,
    QueueArn: queueArn(room, queue.name),
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: String(Math.floor(queue.createdMs / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedMs / 1000)),
  };
  return { Attributes: names.includes('All') ? all : pick(all, names) };
}

export function pick(all: Attributes, names: readonly string[]): Attributes {
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

export function setQueueAttributes(room: SqsRoom, call: JsonCall): void {
  const { Attributes: given } = parse(z.object({ QueueUrl: z.string(), Attributes: textMap }), call);
  const queue = find(room, call);
  checkAttributes(given);
  if (given.FifoQueue !== undefined && given.FifoQueue !== queue.attributes.FifoQueue) {
    throw errors.invalidAttributeValue('A queue cannot become a FIFO queue or stop being one.');
  }
  // An empty policy removes it.
  const kept = Object.entries({ ...queue.attributes, ...given }).filter(([, value]) => value !== '');
  room.queues.putAttributes(queue.name, Object.fromEntries(kept));
}

export function listDeadLetterSourceQueues(room: SqsRoom, call: JsonCall) {
  const target = queueArn(room, find(room, call).name);
  const sources = room.queues
    .queues()
    .filter((queue) => parseRedrivePolicy(queue.attributes.RedrivePolicy)?.deadLetterTargetArn === target);
  return { queueUrls: sources.map((queue) => urlOf(room, queue.name)) };
}

export function tagQueue(room: SqsRoom, call: JsonCall): void {
  const { Tags } = parse(z.object({ QueueUrl: z.string(), Tags: textMap }), call);
  const queue = find(room, call);
  room.queues.putTags(queue.name, { ...queue.tags, ...Tags });
}

export function untagQueue(room: SqsRoom, call: JsonCall): void {
  const { TagKeys } = parse(z.object({ QueueUrl: z.string(), TagKeys: z.array(z.string()) }), call);
  const queue = find(room, call);
  room.queues.putTags(
    queue.name,
    Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !TagKeys.includes(key))),
  );
}

export function deleteQueue(room: SqsRoom, call: JsonCall): void {
  room.messages.deleteQueue(find(room, call));
}

export function purgeQueue(room: SqsRoom, call: JsonCall): void {
  room.messages.purge(find(room, call));
}

export function listQueueTags(room: SqsRoom, call: JsonCall) {
  return { Tags: find(room, call).tags };
}
