import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { fleetBeats } from '#shared/contract/fleet-snapshot.ts';
import { hostsBinding } from '#shared/stores/hosts/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface HostsProps {
  readonly removalPolicy: RemovalPolicy;
}

/** Identity, state and last good report of each host. */
export class Hosts extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: HostsProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: hostsBinding.table,
      removalPolicy: props.removalPolicy,
      stream: true,
    });
  }

  /** ARN of the stream of changes. */
  get streamArn(): string {
    const { tableStreamArn } = this.table.table;
    if (tableStreamArn === undefined) throw new Error(`${this.node.path}: the table has no stream`);
    return tableStreamArn;
  }

  /** To let hosts in, and to keep what they say. Nothing of it is ever deleted. */
  grantServe(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'PutItem', 'UpdateItem']);
    this.bind(fn);
  }

  /** To show one host, and to revoke its key. */
  grantShow(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'Query', 'UpdateItem']);
    this.bind(fn);
  }

  /** To follow all changes, to send beats after them, and to read the whole table when the snapshot is made anew. */
  grantFollow(fn: BrokerFunction): void {
    // Lambda polls with the role of the function
    // (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html).
    const actions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
    fn.allow(
      actions.map((action) => `dynamodb:${action}`),
      [this.streamArn],
    );
    this.table.allow(fn, ['Scan']);
    this.table.allowKeys(fn, ['PutItem'], [`${fleetBeats.keyPrefix}*`]);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [hostsBinding.env.table]: this.table.table.tableName });
  }
}
