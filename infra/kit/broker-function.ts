import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { ComparisonOperator, type IAlarmAction, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { BrokerAlarm } from './broker-alarm.ts';
import { type EnvSchema, environmentFaults } from './environment.ts';

/** What all functions of the stack have in common. */
export interface FunctionSettings {
  /** Folder of the bundles: one folder per function (see bundle.ts). */
  readonly bundleDir: string;
  readonly logRetention: RetentionDays;
  /** Whom alarms tell. */
  readonly notify: readonly IAlarmAction[];
}

export interface BrokerFunctionProps extends FunctionSettings {
  /** Folder of the function in functions/. */
  readonly name: string;
  readonly description: string;
  /** Its env schema. Each key must be bound by somebody, or the synthesis fails. */
  readonly env: EnvSchema;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /**
   * Most copies at a time; they are set aside for this function.
   *
   * @default - as many as the account has left
   */
  readonly reservedConcurrency?: number;
  /**
   * How often Lambda repeats an asynchronous invocation that failed, and how long it keeps one that it cannot start.
   *
   * @default - the function is not invoked asynchronously, and Lambda's own defaults stay
   */
  readonly asynchronous?: { readonly retries: 0 | 1 | 2; readonly maxAge: Duration };
}

/**
 * A Lambda function of the broker. It starts with no permission but to write its own log. Whoever owns a resource
 * gives it permission and variables together: `catalog.grantPublish(fn)` calls {@link allow} and {@link bind}.
 */
export class BrokerFunction extends Construct {
  readonly lambda: LambdaFunction;
  private readonly bound: Record<string, string> = {};
  protected readonly role: Role;

  constructor(scope: Construct, id: string, props: BrokerFunctionProps) {
    super(scope, id);
    const logs = new LogGroup(this, 'Log', {
      retention: props.logRetention,
      // A log is not state: it ends with its retention anyway.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role of our own instead of the managed policy AWSLambdaBasicExecutionRole, which may write to every log group.
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Permissions of ${props.name}`,
    });
    logs.grantWrite(this.role);

    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(join(props.bundleDir, props.name)),
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      role: this.role,
      logGroup: logs,
      // The bundles are minified: with their maps, the traces in the log name our files and lines.
      environment: { NODE_OPTIONS: '--enable-source-maps' },
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...(props.asynchronous && {
        retryAttempts: props.asynchronous.retries,
        maxEventAge: props.asynchronous.maxAge,
      }),
    });

    new BrokerAlarm(this, `${props.name}-errors`, {
      metric: this.lambda.metricErrors({ period: Duration.minutes(5), statistic: 'Sum' }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: `Runs of ${props.name} failed, crashed or took too long.`,
      notify: props.notify,
    });

    this.node.addValidation({ validate: () => [...environmentFaults(props.name, props.env, this.bound)] });
  }

  /** Gives variables. The same value may be given twice; another one for the same key is a mistake. */
  bind(values: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(values)) {
      const before = this.bound[key];
      if (before !== undefined && before !== value) {
        throw new Error(`${this.node.path}: ${key} is bound to two values`);
      }
      this.bound[key] = value;
      this.lambda.addEnvironment(key, value);
    }
  }

  /**
   * Gives exactly these actions on exactly these resources.
   *
   * @param conditions of IAM, by operator and key; none by default
   */
  allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>> = {},
  ): void {
    this.role.addToPrincipalPolicy(
      new PolicyStatement({ actions: [...actions], resources: [...resources], conditions: { ...conditions } }),
    );
  }

  /**
   * Lets `starter` invoke this function, and gives it this function's name under `key`.
   */
  grantStart(starter: BrokerFunction, key: string): void {
    starter.allow(['lambda:InvokeFunction'], [this.lambda.functionArn]);
    starter.bind({ [key]: this.lambda.functionName });
  }
}
