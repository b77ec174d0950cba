import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { idempotencyBinding } from '#shared/stores/idempotency/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface IdempotencyProps {
  readonly removalPolicy: RemovalPolicy;
}

/** Answers of requests that may come again, for a day. */
export class Idempotency extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: IdempotencyProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: idempotencyBinding.table,
      removalPolicy: props.removalPolicy,
    });
  }

  /** To begin requests once, and to keep their answers. */
  grantUse(fn: BrokerFunction): void {
    this.table.allow(fn, ['DeleteItem', 'PutItem', 'UpdateItem']);
    fn.bind({ [idempotencyBinding.env.table]: this.table.table.tableName });
  }
}
