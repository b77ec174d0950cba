import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { sweepRequestsEnv } from '#functions/sweep-requests/env.ts';
import type { SweepRequestsEvent } from '#shared/contract/messages/sync-index.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import { BrokerSchedule } from '../kit/broker-schedule.ts';
import type { SignedRepository } from '../stores/repository.ts';
import type { Requests } from '../stores/requests.ts';

export interface SweepRequestsProps extends FunctionSettings {
  readonly requests: Requests;
  readonly signed: SignedRepository;
  readonly every: Duration;
  /** How often requests that a worker began and did not finish are sent again. */
  readonly continueEvery: Duration;
}

/** Puts open requests, and those that got lost, on the queue, and tells the publisher that time went on. */
export class SweepRequests extends BrokerFunction {
  constructor(scope: Construct, id: string, props: SweepRequestsProps) {
    super(scope, id, {
      ...props,
      name: 'sweep-requests',
      description: 'Puts open file requests on the queue of the worker',
      env: sweepRequestsEnv,
      memoryMiB: 512,
      timeout: Duration.minutes(5),
      // The next tick is the retry.
      asynchronous: { retries: 0, maxAge: Duration.minutes(30) },
    });
    props.requests.grantSweep(this);
    props.signed.grantTell(this);
    new BrokerSchedule(this, 'Schedule', {
      fn: this,
      every: props.every,
      description: 'Put open file requests on the queue',
    });
    // A large file waits no half hour between two invocations of its worker.
    new BrokerSchedule(this, 'Continuation', {
      fn: this,
      every: props.continueEvery,
      description: 'Put file requests that a worker began on the queue',
      event: { only: 'begun' } satisfies SweepRequestsEvent,
    });
  }
}
