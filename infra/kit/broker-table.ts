import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyDocument, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { BrokerFunction } from './broker-function.ts';

/** Key and index names of a table, as a binding of shared/stores states them. All keys are strings. */
interface TableShape {
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** Attribute with the second (Unix time) after which DynamoDB may delete the item. */
  readonly timeToLive?: string;
}

export interface IndexShape {
  readonly indexName: string;
  readonly partitionKey: string;
  readonly sortKey?: string;
}

export interface BrokerTableProps {
  readonly shape: TableShape;
  /**
   * Global secondary indexes; they project all attributes.
   *
   * @default - none
   */
  readonly indexes?: readonly IndexShape[];
  readonly removalPolicy: RemovalPolicy;
  /**
   * Whether changes go to a stream, each with the row as it is then.
   *
   * @default false
   */
  readonly stream?: boolean;
  /**
   * Actions that nobody may do on the table, whatever else they may: the table's own policy says so.
   *
   * @default - none
   */
  readonly denied?: readonly string[];
}

/** A table of the broker: on demand, encrypted, restorable to any second of the last 35 days. */
export class BrokerTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: BrokerTableProps) {
    super(scope, id);
    const { partitionKey, sortKey, timeToLive } = props.shape;
    this.table = new Table(this, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      ...(sortKey && { sortKey: { name: sortKey, type: AttributeType.STRING } }),
      ...(timeToLive && { timeToLiveAttribute: timeToLive }),
      ...(props.stream === true && { stream: StreamViewType.NEW_IMAGE }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      ...(props.denied && {
        resourcePolicy: new PolicyDocument({
          statements: [
            new PolicyStatement({
              effect: Effect.DENY,
              principals: [new StarPrincipal()],
              actions: props.denied.map((action) => `dynamodb:${action}`),
              // Of a table's policy it can only be the table; its ARN here would be a cycle.
              resources: ['*'],
            }),
          ],
        }),
      }),
      deletionProtection: props.removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy: props.removalPolicy,
    });
    for (const index of props.indexes ?? []) {
      this.table.addGlobalSecondaryIndex({
        indexName: index.indexName,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        ...(index.sortKey && { sortKey: { name: index.sortKey, type: AttributeType.STRING } }),
        projectionType: ProjectionType.ALL,
      });
    }
  }

  /** Gives actions on the items of the table itself. */
  allow(fn: BrokerFunction, actions: readonly TableAction[]): void {
    fn.allow(
      actions.map((action) => `dynamodb:${action}`),
      [this.table.tableArn],
    );
  }

  /**
   * Gives actions on the items whose partition keys match one of the patterns, in which `*` stands for anything. Not for
   * Scan, which names no keys.
   */
  allowKeys(fn: BrokerFunction, actions: readonly KeyAction[], patterns: readonly string[]): void {
    fn.allow(
      actions.map((action) => `dynamodb:${action}`),
      [this.table.tableArn],
      {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': patterns },
        // Of no keys at all, all match (IAM's guide, "Set operators for multivalued context keys").
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    );
  }

  /** Gives reads of one index. */
  allowIndex(fn: BrokerFunction, index: IndexShape, actions: readonly TableAction[]): void {
    fn.allow(
      actions.map((action) => `dynamodb:${action}`),
      [`${this.table.tableArn}/index/${index.indexName}`],
    );
  }
}

/** Actions that name each item by its key. */
type KeyAction = Exclude<TableAction, 'Query' | 'Scan'>;

/** Actions on items that functions of the broker need. */
export type TableAction =
  | 'BatchGetItem'
  | 'BatchWriteItem'
  | 'DeleteItem'
  | 'GetItem'
  | 'PutItem'
  | 'Query'
  | 'Scan'
  | 'UpdateItem';
