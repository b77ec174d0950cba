import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Access, roles } from '#shared/contract/access.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { acknowledge } from '../kit/acknowledge.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import type { BrokerFunction, FunctionSettings } from '../kit/broker-function.ts';

export interface ApiProps extends Pick<FunctionSettings, 'logRetention' | 'notify'> {
  readonly serveAgents: BrokerFunction;
  readonly serveOperators: BrokerFunction;
  /** Requests per second that are let through on average; the rest is answered 429. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
}

/**
 * The HTTP API. Its routes are the rows of the endpoint tables in shared/contract: what is not a row does not exist.
 * Agents' routes go to one function and operators' routes to the other, one for each trust boundary.
 */
export class Api extends Construct {
  readonly httpApi: HttpApi;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    this.httpApi = new HttpApi(this, 'HttpApi', {
      apiName: Stack.of(this).stackName,
      description: 'API of the broker: /v1/agent for hosts, the rest for operators',
      createDefaultStage: false,
    });
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      autoDeploy: true,
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: props.burst },
      accessLogSettings: { destination: new LogGroupLogDestination(accessLog), format: accessLogFormat },
    });

    const agents = new HttpLambdaIntegration('Agents', props.serveAgents.lambda);
    for (const [name, endpoint] of Object.entries(agentEndpoints)) this.addRoute(name, endpoint, agents);
    // One permission for all routes: one for each would fill the function's policy, which takes 20 kB, at some 45 routes.
    const operators = new HttpLambdaIntegration('Operators', props.serveOperators.lambda, {
      scopePermissionToRoute: false,
    });
    for (const [name, endpoint] of Object.entries(operatorEndpoints)) this.addRoute(name, endpoint, operators);

    new BrokerAlarm(this, 'api-server-errors', {
      metric: stage.metricServerError({ period: Duration.minutes(5), statistic: 'Sum' }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'The API answered with 5xx.',
      notify: props.notify,
    });
  }

  private addRoute(name: string, endpoint: Endpoint, integration: HttpLambdaIntegration): void {
    refuseWithoutAccess(name, endpoint);
    const routes = this.httpApi.addRoutes({
      path: endpoint.path,
      methods: [HttpMethod[endpoint.method]],
      integration,
      authorizer: new HttpNoneAuthorizer(),
    });
    for (const route of routes) acknowledge(route, { 'AwsSolutions-APIG4': `${name}: ${whoChecks(endpoint.access)}` });
  }
}

/**
 * No authorizer of the HTTP API stands before a route. One for hosts could not see the body that their signatures cover;
 * one for people would let in every token of the issuer, and the roles would have to be checked by the function anyway.
 */
const whoChecks = (access: Access): string => {
  if (access === 'host') return 'the function verifies the signature of the host, which covers the body.';
  if (access === 'enrolment-token')
    return 'the function verifies the enrolment token and the signature of the new key.';
  return `the function verifies the access token of the person, and that it gives the role ${access}.`;
};

/**
 * The compiler demands the column, and a table that came past it must not open a door.
 *
 * @throws Error that names the row
 */
export function refuseWithoutAccess(name: string, { method, path, access }: Endpoint): void {
  const known: readonly string[] = ['host', 'enrolment-token', ...roles];
  if (known.includes(access)) return;
  throw new Error(
    `${name} (${method} ${path}) says of nobody that it is for them: its access is ${access}; allowed are ${known.join(', ')}`,
  );
}

/** One JSON object per request. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    requestId: '$context.requestId',
    time: '$context.requestTime',
    sourceIp: '$context.identity.sourceIp',
    method: '$context.httpMethod',
    route: '$context.routeKey',
    status: '$context.status',
    responseBytes: '$context.responseLength',
    latencyMilliseconds: '$context.responseLatency',
    integrationError: '$context.integrationErrorMessage',
  }),
);
