import type { JsonAnswer } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';
import type { DynoxideChild } from './child.ts';

/** What X-Amz-Target begins with. */
export const dynamoDbPrefix = 'DynamoDB_20120810.';

/** Calls to the program behind the proxy. */
export interface DynamoBackend {
  /**
   * Passes a call on as it is, and its answer back.
   *
   * @param targetPrefix @default that of DynamoDB itself
   */
  forward(operation: string, body: string | Buffer, targetPrefix?: string): Promise<JsonAnswer>;
  /** A call of our own. Throws when it does not succeed. */
  call(operation: string, input: unknown): Promise<unknown>;
}

export function dynamoBackend(child: DynoxideChild, region: string): DynamoBackend {
  const forward: DynamoBackend['forward'] = async (operation, body, targetPrefix = dynamoDbPrefix) => {
    let response: Response;
    try {
      response = await fetch(child.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `${targetPrefix}${operation}`,
          'x-amz-date': '20260101T000000Z',
          // The program asks for a signature without checking it; the proxy has verified the caller.
          authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
        },
        body: typeof body === 'string' ? body : new Uint8Array(body),
      });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    } catch (cause) {
      throw new JsonServiceError(
        'InternalServerError',
        child.failure() ?? `dynoxide does not answer: ${String(cause)}`,
        {
          status: 500,
        },
      );
    }
  };
  return {
    forward,
    call: async (operation, input) => {
      const answer = await forward(operation, JSON.stringify(input));
      if (answer.status !== 200) {
        throw new JsonServiceError('InternalServerError', `${operation} failed with ${answer.status}: ${answer.body}`, {
          status: 500,
        });
      }
      return JSON.parse(answer.body.toString());
    },
  };
}
