import type { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { commandsBinding } from '#shared/stores/commands/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

export interface CommandsProps {
  readonly removalPolicy: RemovalPolicy;
}

/** Commands to hosts, and how each ended on each host. */
export class Commands extends Construct {
  readonly table: BrokerTable;

  constructor(scope: Construct, id: string, props: CommandsProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: commandsBinding.table,
      indexes: [commandsBinding.byTime, commandsBinding.active],
      removalPolicy: props.removalPolicy,
    });
  }

  /** To find the commands that hosts may be told, and to take down how they ended. Not to make or change a command. */
  grantTell(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem']);
    this.table.allowKeys(fn, ['PutItem', 'UpdateItem'], [`${commandsBinding.outcomesPrefix}*`]);
    this.table.allowIndex(fn, commandsBinding.active, ['Query']);
    this.bind(fn);
  }

  /** To make, list and cancel commands. */
  grantManage(fn: BrokerFunction): void {
    this.table.allow(fn, ['GetItem', 'PutItem', 'Query', 'UpdateItem']);
    this.table.allowIndex(fn, commandsBinding.byTime, ['Query']);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [commandsBinding.env.table]: this.table.table.tableName });
  }
}
