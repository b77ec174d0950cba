import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { usdPer } from '../kit/prices.ts';

/** What AWS would count, between two readings. */
export interface Usage {
  /** Calls by service and name, for instance `S3 UploadPart`. */
  readonly calls: ReadonlyMap<string, number>;
  /** Items put, updated or deleted in DynamoDB. */
  readonly rowsWritten: number;
  /** Units of DynamoDB, as its answers say (ConsumedCapacity). */
  readonly writeUnits: number;
  readonly readUnits: number;
  /** Calls that change something in S3. */
  readonly s3Writes: number;
  readonly usd: number;
}

type S3Price = 'write' | 'list' | 'read' | 'free';

/** What S3 takes for a call; parts are priced as PUT, listings as LIST, which costs the same and changes nothing. */
const s3Prices: Readonly<Record<string, S3Price>> = {
  PutObject: 'write',
  CopyObject: 'write',
  CreateMultipartUpload: 'write',
  UploadPart: 'write',
  UploadPartCopy: 'write',
  CompleteMultipartUpload: 'write',
  ListParts: 'list',
  ListObjectsV2: 'list',
  ListMultipartUploads: 'list',
  GetObject: 'read',
  HeadObject: 'read',
  DeleteObject: 'free',
  AbortMultipartUpload: 'free',
};

const rowWrites = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);

interface BatchWriteAnswer {
  readonly UnprocessedItems?: Readonly<Record<string, readonly unknown[]>>;
}
interface Capacity {
  readonly CapacityUnits?: number;
}

/** Counts the calls of two clients. */
export class Meter {
  #calls = new Map<string, number>();
  #rowsWritten = 0;
  #writeUnits = 0;
  #readUnits = 0;

  constructor(dynamodb: DynamoDBDocumentClient, s3: S3Client) {
    dynamodb.middlewareStack.add(
      (next, context) => async (args) => {
        const name = operationOf(context.commandName);
        const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
        this.#countDynamo(name, args.input, answer.output);
        return answer;
      },
      { step: 'initialize', name: 'meter' },
    );
    s3.middlewareStack.add(
      (next, context) => (args) => {
        const name = operationOf(context.commandName);
        if (s3Prices[name] === undefined) throw new Error(`no price is known for ${name} of S3`);
        this.#count(`S3 ${name}`);
        return next(args);
      },
      { step: 'initialize', name: 'meter' },
    );
  }

  /** What was used since the last reading. */
  read(): Usage {
    const calls = new Map([...this.#calls].sort(([a], [b]) => (a < b ? -1 : 1)));
    const s3Calls = (...prices: readonly S3Price[]): number =>
      [...calls].reduce((sum, [call, count]) => {
        const [service, name = ''] = call.split(' ');
        const price = s3Prices[name];
        return service === 'S3' && price !== undefined && prices.includes(price) ? sum + count : sum;
      }, 0);
    const usage = {
      calls,
      rowsWritten: this.#rowsWritten,
      writeUnits: this.#writeUnits,
      readUnits: this.#readUnits,
      s3Writes: s3Calls('write', 'free'),
      usd:
        this.#writeUnits * usdPer.dynamodbWriteUnit +
        this.#readUnits * usdPer.dynamodbReadUnit +
        s3Calls('write', 'list') * usdPer.s3Write +
        s3Calls('read') * usdPer.s3Read,
    };
    this.#calls = new Map();
    this.#rowsWritten = 0;
    this.#writeUnits = 0;
    this.#readUnits = 0;
    return usage;
  }

  #count(call: string): void {
    this.#calls.set(call, (this.#calls.get(call) ?? 0) + 1);
  }

  #countDynamo(name: string, input: object, output: object): void {
    this.#count(`DynamoDB ${name}`);
    const capacity = 'ConsumedCapacity' in output ? (output.ConsumedCapacity as Capacity | readonly Capacity[]) : [];
    const units = [capacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    if (name === 'BatchWriteItem') {
      const { RequestItems = {} } = input as { RequestItems?: Readonly<Record<string, readonly unknown[]>> };
      this.#rowsWritten += lengthOf(RequestItems) - lengthOf((output as BatchWriteAnswer).UnprocessedItems ?? {});
      this.#writeUnits += units;
    } else if (rowWrites.has(name)) {
      this.#rowsWritten += 1;
      this.#writeUnits += units;
    } else this.#readUnits += units;
  }
}

const operationOf = (commandName: string | undefined): string => (commandName ?? 'unknown').replace(/Command$/, '');

const lengthOf = (lists: Readonly<Record<string, readonly unknown[]>>): number =>
  Object.values(lists).reduce((sum, list) => sum + list.length, 0);
