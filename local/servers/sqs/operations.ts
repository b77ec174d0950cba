/** The calls of SQS: what each one reads, needs and answers. Source: Amazon SQS API Reference, JSON protocol. */
import * as z from 'zod/mini';
import type { JsonCall, Need } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';
import { sha256Hex } from '../sigv4.ts';
import type { Attributes } from './attributes.ts';
import { checkAttributes, DEFAULTS, FIFO_DEFAULTS, MAX_MESSAGE_BYTES, parseRedrivePolicy } from './attributes.ts';
import * as errors from './errors.ts';
import type { MessageAttributes, Receipt } from './messages.ts';
import {
  hasAllowedCharacters,
  md5Hex,
  md5OfAttributes,
  messageAttributesSchema,
  messageBytes,
  readReceipt,
  writeReceipt,
} from './messages.ts';
import type { NewMessage, Queue, QueueStore, ReceivedMessage, Sent } from './store.ts';
import { sequenceNumber } from './store.ts';
import type { Waiters } from './waiters.ts';

export interface SqsRoom {
  readonly store: QueueStore;
  readonly waiters: Waiters;
  readonly region: string;
  readonly accountId: string;
  /** Address of this server without a slash at the end. */
  readonly url: () => string;
}

interface Operation {
  /** IAM action; batches need the action of the single call. */
  readonly action: string;
  readonly run: (room: SqsRoom, call: JsonCall) => unknown;
}

const textMap = z.record(z.string(), z.string());
const seconds = (max: number) => z.int().check(z.gte(0), z.lte(max));
const onQueue = z.object({ QueueUrl: z.string() });

const systemAttributes = z.object({ AWSTraceHeader: z.optional(z.object({ StringValue: z.optional(z.string()) })) });
const sendFields = {
  MessageBody: z.string(),
  DelaySeconds: z.optional(seconds(900)),
  MessageAttributes: z.optional(messageAttributesSchema),
  MessageSystemAttributes: z.optional(systemAttributes),
  MessageGroupId: z.optional(z.string()),
  MessageDeduplicationId: z.optional(z.string()),
};
const sendSchema = z.object({ QueueUrl: z.string(), ...sendFields });
const sendEntry = z.object({ Id: z.string(), ...sendFields });
const receiveSchema = z.object({
  QueueUrl: z.string(),
  MaxNumberOfMessages: z.optional(z.int().check(z.gte(1), z.lte(10))),
  VisibilityTimeout: z.optional(seconds(43_200)),
  WaitTimeSeconds: z.optional(seconds(20)),
  AttributeNames: z.optional(z.array(z.string())),
  MessageSystemAttributeNames: z.optional(z.array(z.string())),
  MessageAttributeNames: z.optional(z.array(z.string())),
});
const deleteSchema = z.object({ QueueUrl: z.string(), ReceiptHandle: z.string() });
const deleteEntry = z.object({ Id: z.string(), ReceiptHandle: z.string() });
const visibilitySchema = z.object({
  QueueUrl: z.string(),
  ReceiptHandle: z.string(),
  VisibilityTimeout: seconds(43_200),
});
const visibilityEntry = z.object({
  Id: z.string(),
  ReceiptHandle: z.string(),
  VisibilityTimeout: z.optional(seconds(43_200)),
});

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  CreateQueue: { action: 'sqs:CreateQueue', run: createQueue },
  GetQueueUrl: { action: 'sqs:GetQueueUrl', run: getQueueUrl },
  ListQueues: { action: 'sqs:ListQueues', run: listQueues },
  DeleteQueue: { action: 'sqs:DeleteQueue', run: (room, call) => room.store.deleteQueue(find(room, call).name) },
  PurgeQueue: { action: 'sqs:PurgeQueue', run: (room, call) => room.store.purge(find(room, call).name) },
  GetQueueAttributes: { action: 'sqs:GetQueueAttributes', run: getQueueAttributes },
  SetQueueAttributes: { action: 'sqs:SetQueueAttributes', run: setQueueAttributes },
  ListDeadLetterSourceQueues: { action: 'sqs:ListDeadLetterSourceQueues', run: listDeadLetterSourceQueues },
  TagQueue: { action: 'sqs:TagQueue', run: tagQueue },
  UntagQueue: { action: 'sqs:UntagQueue', run: untagQueue },
  ListQueueTags: { action: 'sqs:ListQueueTags', run: (room, call) => ({ Tags: find(room, call).tags }) },
  SendMessage: { action: 'sqs:SendMessage', run: sendMessage },
  SendMessageBatch: { action: 'sqs:SendMessage', run: sendMessageBatch },
  ReceiveMessage: { action: 'sqs:ReceiveMessage', run: receiveMessage },
  DeleteMessage: { action: 'sqs:DeleteMessage', run: deleteMessage },
  DeleteMessageBatch: { action: 'sqs:DeleteMessage', run: deleteMessageBatch },
  ChangeMessageVisibility: { action: 'sqs:ChangeMessageVisibility', run: changeVisibility },
  ChangeMessageVisibilityBatch: { action: 'sqs:ChangeMessageVisibility', run: changeVisibilityBatch },
};

/** @throws JsonServiceError for an unknown operation or a call that names no queue */
export function sqsNeeds(
  account: { readonly region: string; readonly accountId: string },
  call: JsonCall,
): readonly Need[] {
  const operation = OPERATIONS[call.operation];
  if (!operation) {
    throw new JsonServiceError(
      'com.amazonaws.sqs#UnsupportedOperation',
      `The local SQS does not model ${call.operation}.`,
      {
        queryCode: 'AWS.SimpleQueueService.UnsupportedOperation',
      },
    );
  }
  const { QueueName, QueueUrl } = parse(
    z.looseObject({ QueueName: z.optional(z.string()), QueueUrl: z.optional(z.string()) }),
    call,
  );
  const name = QueueName ?? (QueueUrl === undefined ? undefined : nameOf(QueueUrl));
  if (name === undefined && call.operation !== 'ListQueues') throw errors.missingParameter('QueueUrl');
  return [{ action: operation.action, resource: queueArn(account, name ?? '*') }];
}

const queueArn = (account: { readonly region: string; readonly accountId: string }, name: string) =>
  `arn:aws:sqs:${account.region}:${account.accountId}:${name}`;

/** The last part of the path; the host is not looked at, so that addresses of an earlier start still work. */
function nameOf(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}

const urlOf = (room: SqsRoom, name: string) => `${room.url()}/${room.accountId}/${name}`;

function parse<S extends z.ZodMiniType>(schema: S, call: JsonCall): z.output<S> {
  const parsed = z.safeParse(schema, call.input);
  if (parsed.success) return parsed.data;
  throw errors.invalidParameterValue(`${call.operation}: ${z.prettifyError(parsed.error)}`);
}

function find(room: SqsRoom, call: JsonCall): Queue {
  const queue = room.store.queue(nameOf(parse(onQueue, call).QueueUrl));
  if (!queue) throw errors.queueDoesNotExist();
  return queue;
}

const isFifo = (queue: Queue) => queue.attributes.FifoQueue === 'true';

function createQueue(room: SqsRoom, call: JsonCall) {
  const schema = z.object({ QueueName: z.string(), Attributes: z.optional(textMap), tags: z.optional(textMap) });
  const { QueueName: name, Attributes: given = {}, tags = {} } = parse(schema, call);
  const fifo = given.FifoQueue === 'true';
  if (!/^[A-Za-z0-9_-]{1,75}(\.fifo)?$/.test(name) || name.length > 80 || name.endsWith('.fifo') !== fifo) {
    throw errors.invalidParameterValue(
      'Can only include alphanumeric characters, hyphens, or underscores, 1 to 80 in length; the name of a FIFO queue ends in .fifo.',
    );
  }
  checkAttributes(given);
  const existing = room.store.queue(name);
  if (existing) {
    const other = Object.entries(given).find(([key, value]) => existing.attributes[key] !== value);
    if (other) throw errors.queueNameExists(other[0]);
  } else {
    room.store.createQueue(name, { ...DEFAULTS, ...(fifo ? FIFO_DEFAULTS : {}), ...given }, tags);
  }
  return { QueueUrl: urlOf(room, name) };
}

function getQueueUrl(room: SqsRoom, call: JsonCall) {
  const { QueueName } = parse(z.object({ QueueName: z.string() }), call);
  if (!room.store.queue(QueueName)) throw errors.queueDoesNotExist();
  return { QueueUrl: urlOf(room, QueueName) };
}

function listQueues(room: SqsRoom, call: JsonCall) {
  const schema = z.object({
    QueueNamePrefix: z.optional(z.string()),
    MaxResults: z.optional(z.int().check(z.gte(1), z.lte(1000))),
    NextToken: z.optional(z.string()),
  });
  const { QueueNamePrefix: prefix = '', MaxResults, NextToken = '' } = parse(schema, call);
  const names = room.store
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

function getQueueAttributes(room: SqsRoom, call: JsonCall) {
  const schema = z.object({ QueueUrl: z.string(), AttributeNames: z.optional(z.array(z.string())) });
  const names = parse(schema, call).AttributeNames ?? [];
  const queue = find(room, call);
  const counts = room.store.counts(queue.name);
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

function pick(all: Attributes, names: readonly string[]): Attributes {
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

function setQueueAttributes(room: SqsRoom, call: JsonCall): void {
  const { Attributes: given } = parse(z.object({ QueueUrl: z.string(), Attributes: textMap }), call);
  const queue = find(room, call);
  checkAttributes(given);
  if (given.FifoQueue !== undefined && given.FifoQueue !== queue.attributes.FifoQueue) {
    throw errors.invalidAttributeValue('A queue cannot become a FIFO queue or stop being one.');
  }
  // An empty policy removes it.
  const kept = Object.entries({ ...queue.attributes, ...given }).filter(([, value]) => value !== '');
  room.store.putAttributes(queue.name, Object.fromEntries(kept));
}

function listDeadLetterSourceQueues(room: SqsRoom, call: JsonCall) {
  const target = queueArn(room, find(room, call).name);
  const sources = room.store
    .queues()
    .filter((queue) => parseRedrivePolicy(queue.attributes.RedrivePolicy)?.deadLetterTargetArn === target);
  return { queueUrls: sources.map((queue) => urlOf(room, queue.name)) };
}

function tagQueue(room: SqsRoom, call: JsonCall): void {
  const { Tags } = parse(z.object({ QueueUrl: z.string(), Tags: textMap }), call);
  const queue = find(room, call);
  room.store.putTags(queue.name, { ...queue.tags, ...Tags });
}

function untagQueue(room: SqsRoom, call: JsonCall): void {
  const { TagKeys } = parse(z.object({ QueueUrl: z.string(), TagKeys: z.array(z.string()) }), call);
  const queue = find(room, call);
  room.store.putTags(
    queue.name,
    Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !TagKeys.includes(key))),
  );
}

/** @throws JsonServiceError what is wrong with the message */
function readMessage(
  queue: Queue,
  call: JsonCall,
  given: z.output<typeof sendEntry> | z.output<typeof sendSchema>,
): NewMessage {
  const body = given.MessageBody;
  const attributes = given.MessageAttributes ?? {};
  if (body === '') throw errors.missingParameter('MessageBody');
  if (!hasAllowedCharacters(body)) throw errors.invalidMessageContents();
  const limit = Number(queue.attributes.MaximumMessageSize);
  if (messageBytes(body, attributes) > limit) {
    throw errors.invalidParameterValue(
      `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
    );
  }
  if (Object.keys(attributes).length > 10) throw errors.invalidParameterValue('A message has at most 10 attributes.');
  const fifo = isFifo(queue);
  if (fifo && given.MessageGroupId === undefined) throw errors.missingParameter('MessageGroupId');
  if (fifo && given.DelaySeconds !== undefined && given.DelaySeconds > 0) {
    throw errors.invalidParameterValue('DelaySeconds is not valid for a message of a FIFO queue.');
  }
  if (!fifo && given.MessageDeduplicationId !== undefined) {
    throw errors.invalidParameterValue(
      'The request includes a parameter that is not valid for this queue type: MessageDeduplicationId.',
    );
  }
  const byContent = queue.attributes.ContentBasedDeduplication === 'true' ? sha256Hex(body) : undefined;
  const deduplicationId = fifo ? (given.MessageDeduplicationId ?? byContent) : undefined;
  if (fifo && deduplicationId === undefined) {
    throw errors.invalidParameterValue(
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  }
  return {
    body,
    attributes,
    traceHeader: given.MessageSystemAttributes?.AWSTraceHeader?.StringValue,
    sender: call.accessKeyId,
    delaySeconds: given.DelaySeconds ?? Number(queue.attributes.DelaySeconds),
    groupId: given.MessageGroupId,
    deduplicationId,
  };
}

function sentAnswer(message: NewMessage, sent: Sent) {
  return {
    MessageId: sent.id,
    MD5OfMessageBody: md5Hex(message.body),
    MD5OfMessageAttributes: md5OfAttributes(message.attributes),
    SequenceNumber: sent.sequenceNumber,
  };
}

function sendMessage(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const message = readMessage(queue, call, parse(sendSchema, call));
  const [sent] = room.store.send(queue, [message]);
  room.waiters.wake(queue.name);
  return sent && sentAnswer(message, sent);
}

/** Entries of a batch, checked as AWS does: 1 to 10, with ids of their own. */
function batchEntries<S extends z.ZodMiniType<{ Id: string }>>(schema: S, call: JsonCall): readonly z.output<S>[] {
  const { Entries: entries } = parse(z.object({ QueueUrl: z.string(), Entries: z.array(schema) }), call);
  if (entries.length === 0) throw errors.emptyBatch();
  if (entries.length > 10) throw errors.tooManyEntries(entries.length);
  const ids = entries.map((entry) => entry.Id);
  if (ids.some((id) => !/^[A-Za-z0-9_-]{1,80}$/.test(id))) throw errors.invalidEntryId();
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw errors.entryIdsNotDistinct(repeated);
  return entries;
}

/** Runs each entry by itself: one that fails does not fail the others. */
function runBatch<E extends { Id: string }>(entries: readonly E[], run: (entry: E) => object) {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof JsonServiceError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.queryCode ?? error.type, Message: error.message });
    }
  }
  return { Successful, Failed };
}

function sendMessageBatch(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const entries = batchEntries(sendEntry, call);
  const bytes = entries.reduce((sum, entry) => sum + messageBytes(entry.MessageBody, entry.MessageAttributes ?? {}), 0);
  if (bytes > MAX_MESSAGE_BYTES) throw errors.batchTooLong(bytes, MAX_MESSAGE_BYTES);
  const answer = runBatch(entries, (entry) => {
    const message = readMessage(queue, call, entry);
    const [sent] = room.store.send(queue, [message]);
    return sent ? sentAnswer(message, sent) : {};
  });
  room.waiters.wake(queue.name);
  return answer;
}

async function receiveMessage(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const given = parse(receiveSchema, call);
  const limit = given.MaxNumberOfMessages ?? 1;
  const visibility = given.VisibilityTimeout ?? Number(queue.attributes.VisibilityTimeout);
  const waitMs = (given.WaitTimeSeconds ?? Number(queue.attributes.ReceiveMessageWaitTimeSeconds)) * 1000;
  const messages = await room.waiters.until(queue.name, waitMs, call.signal, () => {
    const received = room.store.receive(queue, limit, visibility);
    return received.length > 0 ? received : undefined;
  });
  if (!messages) return {};
  const systemNames = [...(given.AttributeNames ?? []), ...(given.MessageSystemAttributeNames ?? [])];
  return {
    Messages: messages.map((message) => receivedAnswer(queue, message, systemNames, given.MessageAttributeNames ?? [])),
  };
}

function receivedAnswer(
  queue: Queue,
  message: ReceivedMessage,
  systemNames: readonly string[],
  attributeNames: readonly string[],
) {
  const attributes = chooseAttributes(message.attributes, attributeNames);
  const system = systemAttributesOf(queue, message);
  const chosen = systemNames.includes('All') ? system : pick(system, systemNames);
  return {
    MessageId: message.id,
    ReceiptHandle: writeReceipt(message),
    MD5OfBody: md5Hex(message.body),
    Body: message.body,
    ...(Object.keys(chosen).length > 0 ? { Attributes: chosen } : {}),
    ...(Object.keys(attributes).length > 0
      ? { MessageAttributes: attributes, MD5OfMessageAttributes: md5OfAttributes(attributes) }
      : {}),
  };
}

function systemAttributesOf(queue: Queue, message: ReceivedMessage): Attributes {
  return {
    SenderId: message.sender,
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    ...(message.traceHeader === undefined ? {} : { AWSTraceHeader: message.traceHeader }),
    ...(message.groupId === undefined ? {} : { MessageGroupId: message.groupId }),
    ...(message.deduplicationId === undefined ? {} : { MessageDeduplicationId: message.deduplicationId }),
    ...(isFifo(queue) ? { SequenceNumber: sequenceNumber(message.row) } : {}),
  };
}

/** Names may be whole, `All`, `.*`, or a beginning followed by `.*`. */
function chooseAttributes(all: MessageAttributes, names: readonly string[]): MessageAttributes {
  const wanted = (name: string) =>
    names.some((one) => one === 'All' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -2))));
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted(name)));
}

function receiptOf(queue: Queue, handle: string): Receipt {
  const receipt = readReceipt(handle);
  if (!receipt || receipt.queue !== queue.name) throw errors.receiptHandleIsInvalid(handle);
  return receipt;
}

function deleteMessage(room: SqsRoom, call: JsonCall): void {
  const queue = find(room, call);
  room.store.delete(receiptOf(queue, parse(deleteSchema, call).ReceiptHandle));
  // In a FIFO queue the next message of the group may go.
  room.waiters.wake(queue.name);
}

function deleteMessageBatch(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const answer = runBatch(batchEntries(deleteEntry, call), (entry) => {
    room.store.delete(receiptOf(queue, entry.ReceiptHandle));
    return {};
  });
  room.waiters.wake(queue.name);
  return answer;
}

function changeOne(room: SqsRoom, queue: Queue, handle: string, timeoutSeconds: number): void {
  if (!room.store.changeVisibility(receiptOf(queue, handle), timeoutSeconds)) throw errors.messageNotInflight();
  if (timeoutSeconds === 0) room.waiters.wake(queue.name);
}

function changeVisibility(room: SqsRoom, call: JsonCall): void {
  const { ReceiptHandle, VisibilityTimeout } = parse(visibilitySchema, call);
  changeOne(room, find(room, call), ReceiptHandle, VisibilityTimeout);
}

function changeVisibilityBatch(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  return runBatch(batchEntries(visibilityEntry, call), (entry) => {
    changeOne(room, queue, entry.ReceiptHandle, entry.VisibilityTimeout ?? 0);
    return {};
  });
}
