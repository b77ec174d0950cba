/** The calls about messages. Source: Amazon SQS API Reference, JSON protocol. */
import * as z from 'zod/mini';
import type { JsonCall } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';
import { sha256Hex } from '../sigv4.ts';
import type { Attributes } from './attributes.ts';
import { MAX_MESSAGE_BYTES } from './attributes.ts';
import * as errors from './errors.ts';
import type { NewMessage, ReceivedMessage, Sent } from './message-store.ts';
import { sequenceNumber } from './message-store.ts';
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
import { pick } from './queue-operations.ts';
import type { Queue } from './queue-store.ts';
import type { SqsRoom } from './room.ts';
import { find, parse } from './room.ts';

const seconds = (max: number) => z.int().check(z.gte(0), z.lte(max));
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

const isFifo = (queue: Queue) => queue.attributes.FifoQueue === 'true';

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

export function sendMessage(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const message = readMessage(queue, call, parse(sendSchema, call));
  const [sent] = room.messages.send(queue, [message]);
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

export function sendMessageBatch(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const entries = batchEntries(sendEntry, call);
  const bytes = entries.reduce((sum, entry) => sum + messageBytes(entry.MessageBody, entry.MessageAttributes ?? {}), 0);
  if (bytes > MAX_MESSAGE_BYTES) throw errors.batchTooLong(bytes, MAX_MESSAGE_BYTES);
  const answer = runBatch(entries, (entry) => {
    const message = readMessage(queue, call, entry);
    const [sent] = room.messages.send(queue, [message]);
    return sent ? sentAnswer(message, sent) : {};
  });
  room.waiters.wake(queue.name);
  return answer;
}

export async function receiveMessage(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const given = parse(receiveSchema, call);
  const limit = given.MaxNumberOfMessages ?? 1;
  const visibility = given.VisibilityTimeout ?? Number(queue.attributes.VisibilityTimeout);
  const waitMs = (given.WaitTimeSeconds ?? Number(queue.attributes.ReceiveMessageWaitTimeSeconds)) * 1000;
  const messages = await room.waiters.until(queue.name, waitMs, call.signal, () => {
    const received = room.messages.receive(queue, limit, visibility);
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

export function deleteMessage(room: SqsRoom, call: JsonCall): void {
  const queue = find(room, call);
  room.messages.delete(receiptOf(queue, parse(deleteSchema, call).ReceiptHandle));
  // In a FIFO queue the next message of the group may go.
  room.waiters.wake(queue.name);
}

export function deleteMessageBatch(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  const answer = runBatch(batchEntries(deleteEntry, call), (entry) => {
    room.messages.delete(receiptOf(queue, entry.ReceiptHandle));
    return {};
  });
  room.waiters.wake(queue.name);
  return answer;
}

function changeOne(room: SqsRoom, queue: Queue, handle: string, timeoutSeconds: number): void {
  if (!room.messages.changeVisibility(receiptOf(queue, handle), timeoutSeconds)) throw errors.messageNotInflight();
  if (timeoutSeconds === 0) room.waiters.wake(queue.name);
}

export function changeVisibility(room: SqsRoom, call: JsonCall): void {
  const { ReceiptHandle, VisibilityTimeout } = parse(visibilitySchema, call);
  changeOne(room, find(room, call), ReceiptHandle, VisibilityTimeout);
}

export function changeVisibilityBatch(room: SqsRoom, call: JsonCall) {
  const queue = find(room, call);
  return runBatch(batchEntries(visibilityEntry, call), (entry) => {
    changeOne(room, queue, entry.ReceiptHandle, entry.VisibilityTimeout ?? 0);
    return {};
  });
}
