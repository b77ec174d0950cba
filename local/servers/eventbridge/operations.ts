/** The calls of EventBridge that the stack uses. Source: Amazon EventBridge API Reference. */
import * as z from 'zod/mini';
import { type JsonCall, JsonServiceError, type Need } from '../json-service.ts';
import type { EventStore } from './store.ts';

export interface EventsRoom {
  readonly store: EventStore;
  readonly region: string;
  readonly accountId: string;
  readonly nowMs: () => number;
}

/** "Quotas for Amazon EventBridge": entries of a call, and bytes of one call's entries together. */
const maxEntries = 10;
const maxEntryBytes = 256 * 1024;

const entry = z.object({
  Time: z.optional(z.number()),
  Source: z.optional(z.string()),
  DetailType: z.optional(z.string()),
  Detail: z.optional(z.string()),
  EventBusName: z.optional(z.string()),
});
type Entry = z.infer<typeof entry>;
const putEventsInput = z.object({ Entries: z.array(entry).check(z.minLength(1), z.maxLength(maxEntries)) });
const createInput = z.object({ Name: z.string().check(z.regex(/^[/.\-_A-Za-z0-9]{1,256}$/)) });

const OPERATIONS = { CreateEventBus: createEventBus, PutEvents: putEvents } as const;
const isModelled = (operation: string): operation is keyof typeof OPERATIONS => Object.hasOwn(OPERATIONS, operation);

/** Answers a call. */
export function runEventsCall(room: EventsRoom, call: JsonCall): object {
  return isModelled(call.operation) ? OPERATIONS[call.operation](room, call) : notModelled(call);
}

/** Each entry by itself: its bus is the resource, and its source and type are what conditions may ask for. */
export function eventsNeeds(room: EventsRoom, call: JsonCall): readonly Need[] {
  if (!isModelled(call.operation)) return notModelled(call);
  const action = `events:${call.operation}`;
  if (call.operation === 'CreateEventBus') {
    return [{ action, resource: arnOf(room, parse(createInput, call).Name) }];
  }
  return parse(putEventsInput, call).Entries.map(({ EventBusName, Source, DetailType }) => ({
    action,
    resource: arnOf(room, nameOf(EventBusName)),
    context: {
      ...(Source !== undefined && { 'events:source': [Source] }),
      ...(DetailType !== undefined && { 'events:detail-type': [DetailType] }),
    },
  }));
}

function notModelled(call: JsonCall): never {
  throw new JsonServiceError('UnknownOperationException', `The local EventBridge does not model ${call.operation}.`);
}

/** A bus may be named by its ARN. */
const nameOf = (nameOrArn = 'default'): string => nameOrArn.replace(/^arn:[^:]+:events:[^:]*:[^:]*:event-bus\//, '');
const arnOf = ({ region, accountId }: EventsRoom, name: string): string =>
  `arn:aws:events:${region}:${accountId}:event-bus/${name}`;

function parse<S extends z.ZodMiniType>(schema: S, call: JsonCall): z.output<S> {
  const parsed = z.safeParse(schema, call.input);
  if (parsed.success) return parsed.data;
  throw new JsonServiceError('ValidationException', `${call.operation}: ${z.prettifyError(parsed.error)}`);
}

function createEventBus(room: EventsRoom, call: JsonCall): object {
  const { Name } = parse(createInput, call);
  if (!room.store.addBus(Name)) {
    throw new JsonServiceError('ResourceAlreadyExistsException', `Event bus ${Name} already exists.`);
  }
  return { EventBusArn: arnOf(room, Name) };
}

/** The call succeeds as a whole; each entry that cannot be taken says why in its place. */
function putEvents(room: EventsRoom, call: JsonCall): object {
  const { Entries } = parse(putEventsInput, call);
  const bytes = Entries.reduce((sum, one) => sum + bytesOf(one), 0);
  if (bytes > maxEntryBytes) {
    throw new JsonServiceError('ValidationException', `Total size of the entries in the request is over the limit.`);
  }
  if (Entries.every((one) => missingIn(one) !== undefined)) {
    throw new JsonServiceError('ValidationException', 'Each entry lacks a Source, a DetailType or a Detail.');
  }
  const answers = Entries.map((one) => put(room, one));
  return { FailedEntryCount: answers.filter((answer) => 'ErrorCode' in answer).length, Entries: answers };
}

const missingIn = (one: Entry): string | undefined =>
  (['Source', 'DetailType', 'Detail'] as const).find((name) => (one[name] ?? '') === '');

/** "Calculating PutEvents event entry size": 14 bytes for a time, and the texts. */
const bytesOf = ({ Time, Source = '', DetailType = '', Detail = '' }: Entry): number =>
  (Time === undefined ? 0 : 14) + Buffer.byteLength(Source + DetailType + Detail);

type EntryAnswer = { readonly EventId: string } | { readonly ErrorCode: string; readonly ErrorMessage: string };

function put(room: EventsRoom, one: Entry): EntryAnswer {
  const missing = missingIn(one);
  if (missing !== undefined) {
    return {
      ErrorCode: 'InvalidArgument',
      ErrorMessage: `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
    };
  }
  const bus = nameOf(one.EventBusName);
  if (!room.store.hasBus(bus)) {
    return { ErrorCode: 'InvalidArgument', ErrorMessage: `There is no event bus ${bus} on this machine.` };
  }
  const { Source: source = '', DetailType: detailType = '', Detail: detail = '' } = one;
  if (!isJsonObject(detail)) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  const time = new Date(one.Time === undefined ? room.nowMs() : one.Time * 1000).toISOString();
  return { EventId: room.store.add({ bus, time, source, detailType, detail }) };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
