import { REGION, SECRETS } from '#local/servers/s3/testing/start.ts';

/** What the processes of this benchmark agree on: the key that addresses for curl are signed with. */
export const region = REGION;
export const credentials = { accessKeyId: 'ADMIN', secretAccessKey: SECRETS.ADMIN ?? '' };

/** What the measured worker is told, as JSON. */
export interface WorkerTask {
  readonly s3: string;
  readonly dynamodb: string;
  /** Credentials of DynamoDB. */
  readonly dynamodbCredentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly bucket: string;
  readonly tables: { readonly payloads: string; readonly requests: string; readonly catalog: string };
  /** Address that stands for Microsoft's. */
  readonly origin: string;
  readonly sha1: string;
}
