import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { type FetchPayloadMessage, fetchPayloadMessage } from '../../contract/messages/fetch-payload.ts';
import type { FetchQueue } from './port.ts';

/** Entries of one call (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html). */
const batchLimit = 10;

export function awsFetchQueue(sqs: SQSClient, queueUrl: string): FetchQueue {
  return {
    async send(messages) {
      const taken: string[] = [];
      for (let start = 0; start < messages.length; start += batchLimit) {
        const batch: readonly FetchPayloadMessage[] = messages.slice(start, start + batchLimit);
        const { Successful } = await sqs.send(
          new SendMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: batch.map((message, index) => ({
              Id: String(index),
              MessageBody: JSON.stringify(z.parse(fetchPayloadMessage, message)),
            })),
          }),
        );
        for (const { Id } of Successful ?? []) {
          const message = batch[Number(Id)];
          if (message !== undefined) taken.push(message.sha1);
        }
      }
      return taken;
    },
  };
}
