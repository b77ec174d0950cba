import { Duration, Stack } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { serveAgentsEnv } from '#functions/serve-agents/env.ts';
import { type MetricName, metricsNamespace } from '#shared/contract/metrics.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import type { Audit } from '../stores/audit.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Commands } from '../stores/commands.ts';
import type { Cookies } from '../stores/cookies.ts';
import type { Events } from '../stores/events.ts';
import type { Hosts } from '../stores/hosts.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { Requests } from '../stores/requests.ts';
import type { Tokens } from '../stores/tokens.ts';

export interface ServeAgentsProps extends FunctionSettings {
  readonly audit: Audit;
  readonly catalog: Catalog;
  readonly commands: Commands;
  readonly cookies: Cookies;
  readonly events: Events;
  readonly hosts: Hosts;
  readonly payloads: Payloads;
  /** Where the cookies are good, with https:// and without a slash at the end. */
  readonly repositoryUrl: string;
  readonly requests: Requests;
  readonly tokens: Tokens;
  /** Requests that one host may make at once, and per minute besides. */
  readonly hostBurst: number;
  readonly hostRequestsPerMinute: number;
  /** Files that one host may have fetched on a day. */
  readonly hostFilesPerDay: number;
  /** How long active commands are kept in memory. */
  readonly settingsKept: Duration;
}

/** Answers the agents' API. */
export class ServeAgents extends BrokerFunction {
  constructor(scope: Construct, id: string, props: ServeAgentsProps) {
    super(scope, id, {
      ...props,
      name: 'serve-agents',
      description: 'Answers hosts: enrolments, check-ins, which files are held, reports',
      env: serveAgentsEnv,
      memoryMiB: 512,
      // Below the 30 seconds after which the HTTP API stops waiting.
      timeout: Duration.seconds(20),
    });
    props.audit.grantAppend(this);
    props.commands.grantTell(this);
    props.cookies.grantIssue(this, props.repositoryUrl);
    props.events.grantPublish(this, ['HostCloned', 'CommandFinished']);
    props.catalog.grantReadFacts(this);
    props.payloads.grantLookUp(this);
    props.requests.grantOpen(this);
    props.hosts.grantServe(this);
    props.tokens.grantSpend(this);
    const { account, region, stackName } = Stack.of(this);
    this.bind({
      AGENT_AUDIENCE: `urn:kbroker:${account}:${region}:${stackName}`,
      AGENT_BURST: String(props.hostBurst),
      AGENT_PER_MINUTE: String(props.hostRequestsPerMinute),
      AGENT_FILES_PER_DAY: String(props.hostFilesPerDay),
      SETTINGS_KEEP_SECONDS: String(props.settingsKept.toSeconds()),
    });
    new BrokerAlarm(this, 'cookies-not-issued', {
      metric: new Metric({
        namespace: metricsNamespace,
        metricName: 'CookiesNotIssued' satisfies MetricName,
        dimensionsMap: { service: 'serve-agents' },
        statistic: 'Sum',
        period: Duration.minutes(5),
      }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'Hosts got no cookies of the repository, because they cannot be signed.',
      notify: props.notify,
    });
  }
}
