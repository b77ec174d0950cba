import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { BrokerStackProps } from './broker-stack-props.ts';
import { AlarmTopic } from './edge/alarm-topic.ts';
import { Api } from './edge/api.ts';
import { CursorSecret } from './edge/cursor-secret.ts';
import { RepositoryDistribution } from './edge/distribution.ts';
import { Identity } from './edge/identity.ts';
import { OutboundProxy } from './edge/outbound-proxy.ts';
import { AggregateFleet } from './functions/aggregate-fleet.ts';
import { AnchorAudit } from './functions/anchor-audit.ts';
import { CleanPayloads } from './functions/clean-payloads.ts';
import { FetchPayload } from './functions/fetch-payload.ts';
import { PublishRepository } from './functions/publish-repository.ts';
import { ServeAgents } from './functions/serve-agents.ts';
import { ServeOperators } from './functions/serve-operators.ts';
import { SweepRequests } from './functions/sweep-requests.ts';
import { SyncIndex } from './functions/sync-index.ts';
import type { FunctionSettings } from './kit/broker-function.ts';
import { Audit } from './stores/audit.ts';
import { Catalog } from './stores/catalog.ts';
import { Commands } from './stores/commands.ts';
import { Cookies } from './stores/cookies.ts';
import { Events } from './stores/events.ts';
import { Fleet } from './stores/fleet.ts';
import { Hosts } from './stores/hosts.ts';
import { Idempotency } from './stores/idempotency.ts';
import { Payloads } from './stores/payloads.ts';
import { SignedRepository } from './stores/repository.ts';
import { Requests } from './stores/requests.ts';
import { Rules } from './stores/rules.ts';
import { Throttle } from './stores/throttle.ts';
import { Tokens } from './stores/tokens.ts';

/** The whole broker. Its outputs are what the command line, the agents' installation and the local runner read. */
export class BrokerStack extends Stack {
  constructor(scope: Construct, id: string, props: BrokerStackProps) {
    super(scope, id, { description: 'kbroker: a serverless broker of Windows updates', ...props });
    const removalPolicy = props.stateRemoval ?? RemovalPolicy.RETAIN;
    const workerTimeout = props.workerTimeout ?? Duration.minutes(15);
    const publisherTimeout = Duration.minutes(1);
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

    const signed = new SignedRepository(this, 'Signed', { removalPolicy, publisherTimeout, notify });

    const cookies = new Cookies(this, 'Cookies', props.repositoryKey);
    const repository = new RepositoryDistribution(this, 'Repository', {
      origins: {
        'index/': catalog.bucket.bucket,
        'payloads/': payloads.bucket.bucket,
        'packages/': payloads.bucket.bucket,
        'metadata/': signed.bucket.bucket,
        'targets/': signed.bucket.bucket,
      },
      trusted: cookies.keyGroup,
      ...(props.repositoryDomain && { domain: props.repositoryDomain }),
    });

    const outboundProxy = props.outboundProxy && new OutboundProxy(props.outboundProxy);
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
      keepPublications: props.keepIndexes ?? 3,
      maxIndexAge: props.maxIndexAge ?? Duration.days(38),
      outboundProxy,
      signed,
    });
    const sweepRequests = new SweepRequests(this, 'SweepRequests', {
      ...settings,
      requests,
      signed,
      every: props.sweepEvery ?? Duration.minutes(30),
      continueEvery: Duration.minutes(3),
    });
    const publishRepository = new PublishRepository(this, 'PublishRepository', {
      ...settings,
      catalog,
      fleet,
      payloads,
      repository: signed,
      rules,
      timeout: publisherTimeout,
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
      bytesPerSecond: props.downloadBytesPerSecond,
      outboundProxy,
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
    const cleanPayloads = new CleanPayloads(this, 'CleanPayloads', {
      ...settings,
      catalog,
      events,
      fleet,
      payloads,
      requests,
      signed,
      every: props.cleanEvery ?? Duration.days(1),
      grace: props.cleanGrace ?? Duration.days(14),
      pause: props.cleanPause ?? Duration.days(2),
      hostsCountFor: props.hostsCountFor ?? Duration.days(90),
      keepKbs: props.keepFilesOfKbs ?? [],
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
      signed,
      syncIndex,
      sweepRequests,
      cleanPayloads,
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
      PublishQueueUrl: signed.queue.queueUrl,
      PublishDeadLetterQueueUrl: signed.deadLetterQueue.queueUrl,
      FleetFailuresQueueUrl: fleet.failures.queueUrl,
      SyncIndexFunction: syncIndex.lambda.functionName,
      SweepRequestsFunction: sweepRequests.lambda.functionName,
      PublishRepositoryFunction: publishRepository.lambda.functionName,
      FetchPayloadFunction: fetchPayload.lambda.functionName,
      AggregateFleetFunction: aggregateFleet.lambda.functionName,
      CleanPayloadsFunction: cleanPayloads.lambda.functionName,
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
      RepositoryBucket: signed.bucket.bucket.bucketName,
      OnlineKeyId: signed.onlineKey.keyId,
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
