import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { tokensBinding } from '#shared/stores/tokens/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface TokensProps {
  readonly removalPolicy: RemovalPolicy;
}

/** The tokens that hosts enrol with, and how many uses of each are spent. */
export class Tokens extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: TokensProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', { shape: tokensBinding.table, removalPolicy: props.removalPolicy });
  }

  /** To look a token up and to spend one use of it. */
  grantSpend(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'UpdateItem']);
    this.bind(fn);
  }

  /** To make, list and revoke tokens. */
  grantManage(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'PutItem', 'Query', 'UpdateItem']);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [tokensBinding.env.table]: this.table.table.tableName });
  }
}
