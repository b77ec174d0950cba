import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { hostsBinding } from '#shared/stores/hosts/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface HostsProps {
  readonly removalPolicy: RemovalPolicy;
}

/** The last good report of each host. */
export class Hosts extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: HostsProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', { shape: hostsBinding.table, removalPolicy: props.removalPolicy });
  }

  /** To store reports. */
  grantReport(fn: BrokerFunction): void {
    this.table.allow(fn, ['PutItem']);
    this.bind(fn);
  }

  /** To list, count and show hosts. */
  grantRead(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'Scan']);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [hostsBinding.env.table]: this.table.table.tableName });
  }
}
