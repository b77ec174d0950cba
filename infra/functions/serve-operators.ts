import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { serveOperatorsEnv } from '#functions/serve-operators/env.ts';
import type { CursorSecret } from '../edge/cursor-secret.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import type { Audit } from '../stores/audit.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Commands } from '../stores/commands.ts';
import type { Events } from '../stores/events.ts';
import type { Fleet } from '../stores/fleet.ts';
import type { Hosts } from '../stores/hosts.ts';
import type { Idempotency } from '../stores/idempotency.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { SignedRepository } from '../stores/repository.ts';
import type { Requests } from '../stores/requests.ts';
import type { Rules } from '../stores/rules.ts';
import type { Throttle } from '../stores/throttle.ts';
import type { Tokens } from '../stores/tokens.ts';

export interface ServeOperatorsProps extends FunctionSettings {
  readonly audit: Audit;
  readonly catalog: Catalog;
  readonly commands: Commands;
  readonly cursors: CursorSecret;
  readonly events: Events;
  readonly fleet: Fleet;
  readonly hosts: Hosts;
  readonly idempotency: Idempotency;
  readonly payloads: Payloads;
  readonly requests: Requests;
  readonly rules: Rules;
  readonly signed: SignedRepository;
  readonly throttle: Throttle;
  readonly tokens: Tokens;
  /** Requests that one person may make in a minute. */
  readonly requestsPerPersonAndMinute: number;
  /** Functions that an operator may start by hand. */
  readonly syncIndex: BrokerFunction;
  readonly sweepRequests: BrokerFunction;
  readonly cleanPayloads: BrokerFunction;
}

/** Answers the operators' API. */
export class ServeOperators extends BrokerFunction {
  constructor(scope: Construct, id: string, props: ServeOperatorsProps) {
    super(scope, id, {
      ...props,
      name: 'serve-operators',
      description: 'Answers people: what there is, and the changes that they make',
      env: serveOperatorsEnv,
      // The snapshot of a large fleet is kept in memory, and unpacked in fractions of a second.
      memoryMiB: 1024,
      // As long as the HTTP API waits: a sweep that an operator starts is answered when it is done.
      timeout: Duration.seconds(29),
    });
    props.audit.grantAppend(this);
    props.audit.grantRead(this);
    props.catalog.grantFollowRuns(this);
    props.catalog.grantReadFacts(this);
    props.commands.grantManage(this);
    props.cursors.grantSign(this);
    props.fleet.grantRead(this);
    props.events.grantPublish(this, ['RulesPublished']);
    props.hosts.grantShow(this);
    props.idempotency.grantUse(this);
    props.payloads.grantList(this);
    props.payloads.grantPackages(this);
    props.payloads.grantFollowRuns(this);
    props.requests.grantList(this);
    props.requests.grantOpen(this);
    props.rules.grantChange(this);
    props.signed.grantAdminister(this);
    props.throttle.grantCount(this);
    props.tokens.grantManage(this);
    this.bind({ REQUESTS_PER_PERSON_AND_MINUTE: String(props.requestsPerPersonAndMinute) });
    props.syncIndex.grantStart(this, 'SYNC_FUNCTION');
    props.sweepRequests.grantStart(this, 'SWEEP_FUNCTION');
    props.cleanPayloads.grantStart(this, 'CLEAN_FUNCTION');
  }
}
