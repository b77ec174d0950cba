/** The calls of SQS that are modelled, and what each one needs. */
import * as z from 'zod/mini';
import type { JsonCall, Need } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';
import * as errors from './errors.ts';
import * as messages from './message-operations.ts';
import * as queues from './queue-operations.ts';
import type { SqsRoom } from './room.ts';
import { nameOf, parse, queueArn } from './room.ts';

interface Operation {
  /** IAM action; batches need the action of the single call. */
  readonly action: string;
  readonly run: (room: SqsRoom, call: JsonCall) => unknown;
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  CreateQueue: { action: 'sqs:CreateQueue', run: queues.createQueue },
  GetQueueUrl: { action: 'sqs:GetQueueUrl', run: queues.getQueueUrl },
  ListQueues: { action: 'sqs:ListQueues', run: queues.listQueues },
  DeleteQueue: { action: 'sqs:DeleteQueue', run: queues.deleteQueue },
  PurgeQueue: { action: 'sqs:PurgeQueue', run: queues.purgeQueue },
  GetQueueAttributes: { action: 'sqs:GetQueueAttributes', run: queues.getQueueAttributes },
  SetQueueAttributes: { action: 'sqs:SetQueueAttributes', run: queues.setQueueAttributes },
  ListDeadLetterSourceQueues: { action: 'sqs:ListDeadLetterSourceQueues', run: queues.listDeadLetterSourceQueues },
  TagQueue: { action: 'sqs:TagQueue', run: queues.tagQueue },
  UntagQueue: { action: 'sqs:UntagQueue', run: queues.untagQueue },
  ListQueueTags: { action: 'sqs:ListQueueTags', run: queues.listQueueTags },
  SendMessage: { action: 'sqs:SendMessage', run: messages.sendMessage },
  SendMessageBatch: { action: 'sqs:SendMessage', run: messages.sendMessageBatch },
  ReceiveMessage: { action: 'sqs:ReceiveMessage', run: messages.receiveMessage },
  DeleteMessage: { action: 'sqs:DeleteMessage', run: messages.deleteMessage },
  DeleteMessageBatch: { action: 'sqs:DeleteMessage', run: messages.deleteMessageBatch },
  ChangeMessageVisibility: { action: 'sqs:ChangeMessageVisibility', run: messages.changeVisibility },
  ChangeMessageVisibilityBatch: { action: 'sqs:ChangeMessageVisibility', run: messages.changeVisibilityBatch },
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
