/** Attributes of queues: their names, defaults and allowed values. Source: SetQueueAttributes, SQS API Reference. */
import * as z from 'zod/mini';
import { invalidAttributeName, invalidAttributeValue } from './errors.ts';

/** 1 MiB, for one message and for the messages of a batch together. */
export const MAX_MESSAGE_BYTES = 1_048_576;

export type Attributes = Readonly<Record<string, string>>;

const NUMBERS: Readonly<Record<string, { readonly min: number; readonly max: number; readonly fallback: number }>> = {
  DelaySeconds: { min: 0, max: 900, fallback: 0 },
  MaximumMessageSize: { min: 1024, max: MAX_MESSAGE_BYTES, fallback: MAX_MESSAGE_BYTES },
  MessageRetentionPeriod: { min: 60, max: 1_209_600, fallback: 345_600 },
  ReceiveMessageWaitTimeSeconds: { min: 0, max: 20, fallback: 0 },
  VisibilityTimeout: { min: 0, max: 43_200, fallback: 30 },
};
const BOOLEANS = ['FifoQueue', 'ContentBasedDeduplication', 'SqsManagedSseEnabled'];
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  DeduplicationScope: ['messageGroup', 'queue'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
};
/** Kept and given back; the local queue neither encrypts nor reads policies (the stack checks grants itself). */
const TEXTS = ['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'Policy', 'RedriveAllowPolicy', 'RedrivePolicy'];

export const DEFAULTS: Attributes = {
  ...Object.fromEntries(Object.entries(NUMBERS).map(([name, { fallback }]) => [name, String(fallback)])),
  SqsManagedSseEnabled: 'true',
};
export const FIFO_DEFAULTS: Attributes = {
  ContentBasedDeduplication: 'false',
  DeduplicationScope: 'queue',
  FifoThroughputLimit: 'perQueue',
};

const redrivePolicySchema = z.object({
  deadLetterTargetArn: z.string(),
  // CloudFormation gives a number, people sometimes a text.
  maxReceiveCount: z.pipe(z.union([z.number(), z.string()]), z.transform(Number)),
});
export type RedrivePolicy = z.output<typeof redrivePolicySchema>;

/** @throws JsonServiceError InvalidAttributeName, InvalidAttributeValue */
export function checkAttributes(attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) checkAttribute(name, value);
}

function checkAttribute(name: string, value: string): void {
  const wrong = (allowed: string) =>
    invalidAttributeValue(`Invalid value for the parameter ${name}: got '${value}', allowed is ${allowed}.`);
  const number = NUMBERS[name];
  if (number) {
    if (!/^\d+$/.test(value) || Number(value) < number.min || Number(value) > number.max) {
      throw wrong(`a whole number from ${number.min} to ${number.max}`);
    }
  } else if (BOOLEANS.includes(name)) {
    if (value !== 'true' && value !== 'false') throw wrong('true or false');
  } else if (CHOICES[name]) {
    if (!CHOICES[name].includes(value)) throw wrong(CHOICES[name].join(' or '));
  } else if (name === 'RedrivePolicy') {
    if (value === '') return;
    const policy = parseRedrivePolicy(value);
    if (
      !policy ||
      !Number.isInteger(policy.maxReceiveCount) ||
      policy.maxReceiveCount < 1 ||
      policy.maxReceiveCount > 1000
    ) {
      throw wrong('{"deadLetterTargetArn": ARN, "maxReceiveCount": 1 to 1000}');
    }
  } else if (!TEXTS.includes(name)) {
    throw invalidAttributeName(name);
  }
}

/** Undefined when there is none, or when it cannot be read. */
export function parseRedrivePolicy(text: string | undefined): RedrivePolicy | undefined {
  if (!text) return undefined;
  try {
    const parsed = z.safeParse(redrivePolicySchema, JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: the caller says what is allowed.
    return undefined;
  }
}
