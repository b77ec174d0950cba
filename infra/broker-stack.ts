import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { AlarmTopic } from './edge/alarm-topic.ts';
import { Api } from './edge/api.ts';
import { CursorSecret } from './edge/cursor-secret.ts';
import { RepositoryDistribution, type RepositoryDomain } from './edge/distribution.ts';
import { Identity, type OpenIdProvider } from './edge/identity.ts';
import { AggregateFleet } from './functions/aggregate-fleet.ts';
import { AnchorAudit } from './functions/anchor-audit.ts';
import { FetchPayload } from './functions/fetch-payload.ts';
import { ServeAgents } from './functions/serve-agents.ts';
import { ServeOperators } from './functions/serve-operators.ts';
import { SweepRequests } from './functions/sweep-requests.ts';
import { SyncIndex } from './functions/sync-index.ts';
import type { FunctionSettings } from './kit/broker-function.ts';
import { Audit } from './stores/audit.ts';
import { Catalog } from './stores/catalog.ts';
import { Commands } from './stores/commands.ts';
import { Cookies, type RepositoryKey } from './stores/cookies.ts';
import { Events } from './stores/events.ts';
import { Fleet } from './stores/fleet.ts';
import { Hosts } from './stores/hosts.ts';
import { Idempotency } from './stores/idempotency.ts';
import { Payloads } from './stores/payloads.ts';
import { Requests } from './stores/requests.ts';
import { Rules } from './stores/rules.ts';
import { Throttle } from './stores/throttle.ts';
import { Tokens } from './stores/tokens.ts';

export interface BrokerStackProps extends StackProps {
  /**
   * Address of Microsoft's offline index.
   *
   * @default https://catalog.s.download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab
   */
  readonly indexUrl?: string;

  /**
   * Certificates, as PEM text, that the signature of an index may lead to beside Microsoft's roots, which are part of the
   * code. Lambda allows 4 KB for all variables of a function together: up to 3,000 bytes, which is one root.
   *
   * @default - none
   */
  readonly indexRoots?: string;

  /**
   * Whether an index may be signed by SHA-1 alone, as those from before July 2020. Forgeries of such signatures are
   * within reach of the wealthy.
   *
   * @default false
   */
  readonly allowSha1Signatures?: boolean;

  /**
   * How much smaller than the current publication a new one may be before it is refused, in percent, from 0 to 100:
   * counted in updates, in those that can be installed, and in files.
   *
   * @default 20
   */
  readonly maxShrinkPercent?: number;

  /**
   * How often Microsoft is asked whether there is a new index. The question is conditional: an unchanged index costs
   * one small request. Between 1 minute, and 12 hours, because what an interrupted run copied is kept for a day only.
   *
   * @default Duration.hours(1)
   */
  readonly syncEvery?: Duration;

  /**
   * How often open requests are put on the queue.
   *
   * @default Duration.minutes(30)
   */
  readonly sweepEvery?: Duration;

  /**
   * Memory of the function that decodes the index, in MiB. The whole catalogue (some 140,000 updates) is held in
   * memory once.
   *
   * @default 2048
   */
  readonly syncMemoryMiB?: number;

  /**
   * Memory of the worker, in MiB. It streams: memory does not grow with the files, but Lambda gives processor time and
   * network in proportion to memory, and 1,769 MiB are one whole processor.
   *
   * @default 1769
   */
  readonly workerMemoryMiB?: number;

  /**
   * Time limit of one run of the worker, which fetches one file. A failed file is tried again after six times this
   * limit.
   *
   * @default Duration.minutes(15), the longest that Lambda allows
   */
  readonly workerTimeout?: Duration;

  /**
   * How many files are fetched at most at the same time; from 2 to 1000.
   *
   * @default 5
   */
  readonly workerConcurrency?: number;

  /**
   * How many objects the snapshot of the fleet is divided into at most; it begins with one, and is divided further for
   * each 12,500 hosts. From 1 to 256; of others than powers of two, the next lower one counts.
   *
   * @default 8
   */
  readonly fleetPartitions?: number;

  /**
   * Requests per second that the API lets through on average.
   *
   * @default 100
   */
  readonly apiRequestsPerSecond?: number;

  /**
   * Requests that the API takes at once.
   *
   * @default 200
   */
  readonly apiBurst?: number;

  /**
   * Requests that one host may make at once. A usual round makes one, a busy one about five.
   *
   * @default 60
   */
  readonly hostBurst?: number;

  /**
   * Requests per minute that one host may make besides; what is above is answered 429 and costs one read.
   *
   * @default 6
   */
  readonly hostRequestsPerMinute?: number;

  /**
   * Files that one host may have fetched from Microsoft on a day (UTC), those left out that another one asked for first.
   * What is above is refused by name until the next day.
   *
   * @default 500
   */
  readonly hostFilesPerDay?: number;

  /**
   * How long the agents' API keeps rules and active commands in memory before it reads them again. Hosts hear of a change
   * that much later; a shorter time costs more reads.
   *
   * @default Duration.minutes(1)
   */
  readonly settingsKept?: Duration;

  /**
   * Requests that one person may make in a minute; what is above is answered 429.
   *
   * @default 120
   */
  readonly requestsPerPersonAndMinute?: number;

  /**
   * How long the daily anchors of the audit log are locked: nobody can delete or change one before, not even the root of
   * the account. Whole days.
   *
   * @default Duration.days(365)
   */
  readonly auditRetention?: Duration;

  /**
   * Age of Microsoft's publication from which on the alarm `index-age` rings. Publications come on the second Tuesday
   * of a month, 28 or 35 days apart.
   *
   * @default Duration.days(38)
   */
  readonly maxIndexAge?: Duration;

  /**
   * An address that gets an e-mail for each alarm; AWS asks it for a confirmation first.
   *
   * @default - no e-mail; alarms are seen in CloudWatch
   */
  readonly alarmEmail?: string;

  /**
   * An SNS topic of yours that is told of each alarm, beside or instead of an e-mail.
   *
   * @default - none
   */
  readonly alarmTopicArn?: string;

  /** The key whose cookies open the repository, as `kbroker setup keys` made it. */
  readonly repositoryKey: RepositoryKey;

  /**
   * A name of your own for the repository, with its certificate. Without it TLS below 1.2 cannot be refused.
   *
   * @default - the name that CloudFront gives
   */
  readonly repositoryDomain?: RepositoryDomain;

  /**
   * The OpenID provider whose access tokens let people in.
   *
   * @default - a Cognito user pool with a group for each role is made
   */
  readonly oidc?: OpenIdProvider;

  /**
   * First part of the host name of Cognito's login page; nobody else in the region may have it.
   *
   * @default - the stack's name and the account's number
   */
  readonly loginDomainPrefix?: string;

  /**
   * How long logs are kept.
   *
   * @default RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: RetentionDays;

  /**
   * What happens to buckets, tables and queues when they leave the stack. With DESTROY, tables lose their deletion
   * protection too; a bucket must be emptied by hand before.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly stateRemoval?: RemovalPolicy;

  /** Folder with the bundles of the functions, one folder per function, as kit/bundle.ts makes them. */
  readonly bundleDir: string;
}

/** The whole broker. Its outputs are what the command line, the agents' installation and the local runner read. */
export class BrokerStack extends Stack {
  constructor(scope: Construct, id: string, props: BrokerStackProps) {
    super(scope, id, { description: 'kbroker: a serverless broker of Windows updates', ...props });
    const removalPolicy = props.stateRemoval ?? RemovalPolicy.RETAIN;
    const workerTimeout = props.workerTimeout ?? Duration.minutes(15);
    const settings: FunctionSettings = {
      bundleDir: props.bundleDir,
      logRetention: props.logRetention ?? RetentionDays.THREE_MONTHS,
      notify: this.alarmActions(props),
    };
    const { notify } = settings;

    const events = new Events(this, 'Events');
    const catalog = new Catalog(this, 'Catalog', { removalPolicy });
    const payloads = new Payloads(this, 'Payloads', { removalPolicy });
    const requests = new Requests(this, 'Requests', { removalPolicy, workerTimeout, notify });
    const hosts = new Hosts(this, 'Hosts', { removalPolicy });
    const fleet = new Fleet(this, 'Fleet', { removalPolicy, notify });
    const cursors = new CursorSecret(this, 'CursorSecret', { removalPolicy });
    const rules = new Rules(this, 'Rules', { removalPolicy });
    const tokens = new Tokens(this, 'Tokens', { removalPolicy });
    const commands = new Commands(this, 'Commands', { removalPolicy });
    const audit = new Audit(this, 'Audit', { removalPolicy, retention: props.auditRetention ?? Duration.days(365) });
    const idempotency = new Idempotency(this, 'Idempotency', { removalPolicy });
    const throttle = new Throttle(this, 'Throttle', { removalPolicy });

    const cookies = new Cookies(this, 'Cookies', props.repositoryKey);
    const repository = new RepositoryDistribution(this, 'Repository', {
      origins: { 'index/': catalog.bucket.bucket, 'payloads/': payloads.bucket.bucket },
      trusted: cookies.keyGroup,
      ...(props.repositoryDomain && { domain: props.repositoryDomain }),
    });

    const syncIndex = new SyncIndex(this, 'SyncIndex', {
      ...settings,
      catalog,
      events,
      indexUrl:
        props.indexUrl ?? 'https://catalog.s.download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab',
      indexRoots: props.indexRoots,
      allowSha1: props.allowSha1Signatures ?? false,
      maxShrinkPercent: props.maxShrinkPercent ?? 20,
      every: props.syncEvery ?? Duration.hours(1),
      memoryMiB: props.syncMemoryMiB ?? 2048,
      maxIndexAge: props.maxIndexAge ?? Duration.days(38),
    });
    const sweepRequests = new SweepRequests(this, 'SweepRequests', {
      ...settings,
      requests,
      every: props.sweepEvery ?? Duration.minutes(30),
    });
    const fetchPayload = new FetchPayload(this, 'FetchPayload', {
      ...settings,
      catalog,
      events,
      payloads,
      requests,
      memoryMiB: props.workerMemoryMiB ?? 1769,
      timeout: workerTimeout,
      maxConcurrency: props.workerConcurrency ?? 5,
    });
    const serveAgents = new ServeAgents(this, 'ServeAgents', {
      ...settings,
      audit,
      commands,
      catalog,
      cookies,
      events,
      hosts,
      payloads,
      repositoryUrl: repository.url,
      requests,
      rules,
      tokens,
      hostBurst: props.hostBurst ?? 60,
      hostRequestsPerMinute: props.hostRequestsPerMinute ?? 6,
      hostFilesPerDay: props.hostFilesPerDay ?? 500,
      settingsKept: props.settingsKept ?? Duration.minutes(1),
    });
    const aggregateFleet = new AggregateFleet(this, 'AggregateFleet', {
      ...settings,
      events,
      fleet,
      hosts,
      maxPartitions: props.fleetPartitions ?? 8,
    });
    const anchorAudit = new AnchorAudit(this, 'AnchorAudit', { ...settings, audit });
    const serveOperators = new ServeOperators(this, 'ServeOperators', {
      ...settings,
      audit,
      commands,
      cursors,
      events,
      fleet,
      idempotency,
      throttle,
      tokens,
      requestsPerPersonAndMinute: props.requestsPerPersonAndMinute ?? 120,
      catalog,
      hosts,
      payloads,
      requests,
      rules,
      syncIndex,
      sweepRequests,
    });

    const identity = new Identity(this, 'Identity', {
      removalPolicy,
      oidc: props.oidc,
      loginDomainPrefix: props.loginDomainPrefix,
    });
    identity.bindTo(serveOperators);

    const api = new Api(this, 'Api', {
      ...settings,
      serveAgents,
      serveOperators,
      requestsPerSecond: props.apiRequestsPerSecond ?? 100,
      burst: props.apiBurst ?? 200,
    });

    this.outputs({
      ApiUrl: api.httpApi.apiEndpoint,
      RepositoryUrl: repository.url,
      RepositoryKeyPairId: cookies.keyPairId,
      Issuer: identity.issuer,
      ClientId: identity.clientId,
      ...(identity.loginDomain !== undefined && { LoginDomain: identity.loginDomain }),
      FetchQueueUrl: requests.queue.queueUrl,
      FetchDeadLetterQueueUrl: requests.deadLetterQueue.queueUrl,
      FleetFailuresQueueUrl: fleet.failures.queueUrl,
      SyncIndexFunction: syncIndex.lambda.functionName,
      SweepRequestsFunction: sweepRequests.lambda.functionName,
      FetchPayloadFunction: fetchPayload.lambda.functionName,
      AggregateFleetFunction: aggregateFleet.lambda.functionName,
      AnchorAuditFunction: anchorAudit.lambda.functionName,
      ServeAgentsFunction: serveAgents.lambda.functionName,
      ServeOperatorsFunction: serveOperators.lambda.functionName,
      CatalogTable: catalog.table.table.tableName,
      PayloadsTable: payloads.table.table.tableName,
      RequestsTable: requests.table.table.tableName,
      HostsTable: hosts.table.table.tableName,
      RulesTable: rules.table.table.tableName,
      TokensTable: tokens.table.table.tableName,
      CommandsTable: commands.table.table.tableName,
      AuditTable: audit.table.table.tableName,
      EventBus: events.bus.eventBusName,
      FleetBucket: fleet.bucket.bucket.bucketName,
      IndexBucket: catalog.bucket.bucket.bucketName,
      PayloadsBucket: payloads.bucket.bucket.bucketName,
      AuditBucket: audit.bucket.bucket.bucketName,
    });
  }

  private alarmActions(props: BrokerStackProps): readonly IAlarmAction[] {
    const actions: IAlarmAction[] = [];
    if (props.alarmEmail !== undefined) {
      actions.push(new AlarmTopic(this, 'AlarmTopic', { email: props.alarmEmail }).action);
    }
    if (props.alarmTopicArn !== undefined) {
      actions.push(new SnsAction(Topic.fromTopicArn(this, 'ExistingAlarmTopic', props.alarmTopicArn)));
    }
    return actions;
  }

  private outputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value });
  }
}
