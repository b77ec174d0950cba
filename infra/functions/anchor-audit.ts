import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { anchorAuditEnv } from '#functions/anchor-audit/env.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import { BrokerSchedule } from '../kit/broker-schedule.ts';
import type { Audit } from '../stores/audit.ts';

export interface AnchorAuditProps extends FunctionSettings {
  readonly audit: Audit;
}

/** Keeps the head of the audit log where nobody can change it, once a day. */
export class AnchorAudit extends BrokerFunction {
  constructor(scope: Construct, id: string, props: AnchorAuditProps) {
    super(scope, id, {
      ...props,
      name: 'anchor-audit',
      description: 'Anchors the head of the audit log in a bucket under object lock',
      env: anchorAuditEnv,
      memoryMiB: 256,
      timeout: Duration.minutes(1),
      // The next tick comes a day later: Lambda tries by itself before.
      asynchronous: { retries: 2, maxAge: Duration.hours(6) },
    });
    props.audit.grantAnchor(this);
    new BrokerSchedule(this, 'Schedule', {
      fn: this,
      every: Duration.days(1),
      description: 'Anchor the head of the audit log',
    });
  }
}
