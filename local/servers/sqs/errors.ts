import { JsonServiceError } from '../json-service.ts';

/**
 * Errors of SQS: the shape of the JSON protocol, and the code that the older Query protocol had for it.
 *
 * Source: "Common error types" and the operations' errors in the Amazon SQS API Reference.
 */
function sqsError(shape: string, queryCode: string, message: string): JsonServiceError {
  return new JsonServiceError(`com.amazonaws.sqs#${shape}`, message, { queryCode });
}

const legacy = (code: string) => `AWS.SimpleQueueService.${code}`;

export const queueDoesNotExist = () =>
  sqsError('QueueDoesNotExist', legacy('NonExistentQueue'), 'The specified queue does not exist.');
export const queueNameExists = (attribute: string) =>
  sqsError(
    'QueueNameExists',
    'QueueAlreadyExists',
    `A queue already exists with the same name and a different value for attribute ${attribute}`,
  );
export const invalidAttributeName = (name: string) =>
  sqsError('InvalidAttributeName', 'InvalidAttributeName', `Unknown Attribute ${name}.`);
export const invalidAttributeValue = (message: string) =>
  sqsError('InvalidAttributeValue', 'InvalidAttributeValue', message);
export const invalidParameterValue = (message: string) =>
  sqsError('InvalidParameterValue', 'InvalidParameterValue', message);
export const missingParameter = (name: string) =>
  sqsError('MissingParameter', 'MissingParameter', `The request must contain the parameter ${name}.`);
export const invalidMessageContents = () =>
  sqsError('InvalidMessageContents', 'InvalidMessageContents', 'Message contains characters outside the allowed set.');
export const receiptHandleIsInvalid = (handle: string) =>
  sqsError(
    'ReceiptHandleIsInvalid',
    'ReceiptHandleIsInvalid',
    `The input receipt handle "${handle}" is not a valid receipt handle.`,
  );
export const messageNotInflight = () =>
  sqsError(
    'MessageNotInflight',
    legacy('MessageNotInflight'),
    'Message does not exist or is not available for visibility timeout change.',
  );
export const emptyBatch = () =>
  sqsError('EmptyBatchRequest', legacy('EmptyBatchRequest'), 'There should be at least one entry in the request.');
export const tooManyEntries = (count: number) =>
  sqsError(
    'TooManyEntriesInBatchRequest',
    legacy('TooManyEntriesInBatchRequest'),
    `Maximum number of entries per request are 10. You have sent ${count}.`,
  );
export const entryIdsNotDistinct = (id: string) =>
  sqsError('BatchEntryIdsNotDistinct', legacy('BatchEntryIdsNotDistinct'), `Id ${id} repeated.`);
export const invalidEntryId = () =>
  sqsError(
    'InvalidBatchEntryId',
    legacy('InvalidBatchEntryId'),
    'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
  );
export const batchTooLong = (bytes: number, most: number) =>
  sqsError(
    'BatchRequestTooLong',
    legacy('BatchRequestTooLong'),
    `Batch requests cannot be longer than ${most} bytes. You have sent ${bytes} bytes.`,
  );
