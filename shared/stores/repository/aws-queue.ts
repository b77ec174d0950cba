import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { publishMessageGroup, publishRepositoryMessage } from '../../contract/messages/publish-repository.ts';
import { StoreError } from '../store-error.ts';
import type { PublishQueue } from './port.ts';

/** SQS takes 1 MiB (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html). Bytes. */
const maxMessageBytes = 1_048_576;

/** @param newId a name that no other message has: SQS drops one that has the name of another within five minutes */
export function awsPublishQueue(sqs: SQSClient, queueUrl: string, newId: () => string): PublishQueue {
  return {
    async send(message) {
      const body = JSON.stringify(z.parse(publishRepositoryMessage, message));
      const bytes = Buffer.byteLength(body);
      if (bytes > maxMessageBytes)
        throw new StoreError(
          'refused',
          `the change has ${bytes} bytes as a message, at most ${maxMessageBytes} are taken`,
        );
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: body,
          MessageGroupId: publishMessageGroup,
          MessageDeduplicationId: newId(),
        }),
      );
    },
  };
}
