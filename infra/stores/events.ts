import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { type EventType, eventSource } from '#shared/contract/events.ts';
import { eventsBinding } from '#shared/stores/events/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';

/**
 * The bus on which the broker tells what happened (docs/events.md). A bus of its own, so that rules on it see nothing
 * else and nobody else's events look like the broker's. It keeps nothing: subscribers who want the past add an archive.
 */
export class Events extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', { description: 'What happened in the broker' });
  }

  /** To publish events of these types, in the broker's name. */
  grantPublish(fn: BrokerFunction, types: readonly [EventType, ...EventType[]]): void {
    fn.allow(['events:PutEvents'], [this.bus.eventBusArn], {
      StringEquals: { 'events:source': eventSource, 'events:detail-type': types },
    });
    fn.bind({ [eventsBinding.env.bus]: this.bus.eventBusName });
  }
}
