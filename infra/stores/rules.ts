import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { rulesBinding } from '#shared/stores/rules/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface RulesProps {
  readonly removalPolicy: RemovalPolicy;
}

/** The rules that judge updates, and all that they were. */
export class Rules extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: RulesProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', { shape: rulesBinding.table, removalPolicy: props.removalPolicy });
  }

  /** To read the rules in force. */
  grantRead(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem']);
    this.bind(fn);
  }

  /** To read and replace the rules, and to list their revisions. Nothing that was written may be deleted. */
  grantChange(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'PutItem', 'Query']);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [rulesBinding.env.table]: this.table.table.tableName });
  }
}
