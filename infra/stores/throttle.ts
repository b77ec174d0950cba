import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { throttleBinding } from '#shared/stores/throttle/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface ThrottleProps {
  readonly removalPolicy: RemovalPolicy;
}

/** Requests of each person in each minute. */
export class Throttle extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: ThrottleProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', { shape: throttleBinding.table, removalPolicy: props.removalPolicy });
  }

  /** To count requests. */
  grantCount(fn: BrokerFunction): void {
    this.table.allow(fn, ['UpdateItem']);
    fn.bind({ [throttleBinding.env.table]: this.table.table.tableName });
  }
}
