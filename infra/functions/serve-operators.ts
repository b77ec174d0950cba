import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { serveOperatorsEnv } from '#functions/serve-operators/env.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Hosts } from '../stores/hosts.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { Requests } from '../stores/requests.ts';
import type { Rules } from '../stores/rules.ts';

export interface ServeOperatorsProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly hosts: Hosts;
  readonly payloads: Payloads;
  readonly requests: Requests;
  readonly rules: Rules;
  /** Functions that an operator may start by hand. */
  readonly syncIndex: BrokerFunction;
  readonly sweepRequests: BrokerFunction;
}

/** Answers the operators' API. */
export class ServeOperators extends BrokerFunction {
  constructor(scope: Construct, id: string, props: ServeOperatorsProps) {
    super(scope, id, {
      ...props,
      name: 'serve-operators',
      description: 'Answers operators: status, hosts, requests, rules, and runs started by hand',
      env: serveOperatorsEnv,
      memoryMiB: 512,
      // As long as the HTTP API waits: a sweep that an operator starts is answered when it is done.
      timeout: Duration.seconds(29),
    });
    props.catalog.grantFollowRuns(this);
    props.catalog.grantReadFacts(this);
    props.hosts.grantShow(this);
    props.payloads.grantList(this);
    props.requests.grantList(this);
    props.rules.grantChange(this);
    props.syncIndex.grantStart(this, 'SYNC_FUNCTION');
    props.sweepRequests.grantStart(this, 'SWEEP_FUNCTION');
  }
}
