import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { serveAgentsEnv } from '#functions/serve-agents/env.ts';
import type { AgentSecret } from '../edge/agent-secret.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Hosts } from '../stores/hosts.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { Requests } from '../stores/requests.ts';
import type { Rules } from '../stores/rules.ts';

export interface ServeAgentsProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly hosts: Hosts;
  readonly payloads: Payloads;
  readonly requests: Requests;
  readonly rules: Rules;
  readonly secret: AgentSecret;
}

/** Answers the agents' API. */
export class ServeAgents extends BrokerFunction {
  constructor(scope: Construct, id: string, props: ServeAgentsProps) {
    super(scope, id, {
      ...props,
      name: 'serve-agents',
      description: 'Answers hosts: rules, which files are held, reports',
      env: serveAgentsEnv,
      memoryMiB: 512,
      // Below the 30 seconds after which the HTTP API stops waiting.
      timeout: Duration.seconds(20),
    });
    props.rules.grantRead(this);
    props.catalog.grantReadFacts(this);
    props.payloads.grantLookUp(this);
    props.requests.grantOpen(this);
    props.hosts.grantReport(this);
    props.secret.grantRead(this);
  }
}
