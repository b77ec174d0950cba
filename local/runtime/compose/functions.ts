/** Functions, and what starts them besides the API: queues, streams and schedules. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AssemblyError } from '#local/assembly/error.ts';
import * as compute from '#local/assembly/resources/compute.ts';
import * as storage from '#local/assembly/resources/storage.ts';
import type { Resource } from '#local/assembly/stack-model.ts';
import type { Credentials } from '#local/types.ts';
import { functionEnvironment } from '../lambda/environment.ts';
import { FunctionRunner } from '../lambda/function-runner.ts';
import type { Functions } from '../lambda/functions.ts';
import { Watchdog } from '../lambda/watchdog.ts';
import { QueueSource } from '../queue-source.ts';
import { seededRandom } from '../random.ts';
import { RuntimeError } from '../runtime-error.ts';
import { type ScheduleEntry, Scheduler } from '../schedule/scheduler.ts';
import type { StreamSource } from '../stream-source.ts';
import type { StackContext } from './context.ts';
import { composeStreamSources } from './stream-sources.ts';

type FunctionResource = Resource<(typeof compute.lambdaFunction)['schema']['_zod']['output']>;

export interface FunctionParts {
  readonly queueSources: readonly QueueSource[];
  readonly streamSources: readonly StreamSource[];
  readonly scheduler: Scheduler;
}

const arnOf = (resource: Resource<unknown>): string => resource.attributes.Arn ?? resource.ref;

/**
 * Puts the functions of the template into `functions` and makes what starts them; nothing runs until it is started.
 * @throws AssemblyError, RuntimeError for what does not fit together
 */
export async function composeFunctions(context: StackContext, functions: Functions): Promise<FunctionParts> {
  const { model, cleanup } = context;
  const watchdog = new Watchdog();
  cleanup.defer(() => watchdog.close());
  const credentials = new Map<string, Credentials>();
  for (const resource of model.of(compute.lambdaFunction)) {
    const own = context.access.assumeRole(
      resource.properties.Role,
      'lambda.amazonaws.com',
      arnOf(resource),
      resource.ref,
    );
    credentials.set(resource.ref, own);
    functions.add(await composeRunner(context, resource, own, watchdog), maximumRetries(context, resource));
  }
  const queueSources = composeQueueSources(context, functions, credentials);
  const streamSources = await composeStreamSources(context, functions, credentials);
  cleanup.defer(async () => {
    // At once: a source waits for its running batch, which ends with the function's process.
    await Promise.all([functions.close(), ...[...queueSources, ...streamSources].map((source) => source.close())]);
  });
  const scheduler = composeScheduler(context, functions);
  cleanup.defer(() => scheduler.close());
  return { queueSources, streamSources, scheduler };
}

async function composeRunner(
  context: StackContext,
  resource: FunctionResource,
  credentials: Credentials,
  watchdog: Watchdog,
): Promise<FunctionRunner> {
  const { model, endpoints, upstream, addresses, log } = context;
  const { Code, MemorySize, Timeout, ReservedConcurrentExecutions } = resource.properties;
  const codeDir = context.assets.get(Code.S3Key);
  if (codeDir === undefined) {
    throw new AssemblyError('bad-assembly', `${resource.logicalId}: there is no asset ${Code.S3Key} in the assembly`);
  }
  const temporaryDir = join(context.dataDir, 'tmp', resource.ref);
  // A new process of a function finds an empty folder; ours come with the stack.
  await rm(temporaryDir, { recursive: true, force: true });
  await mkdir(temporaryDir, { recursive: true });
  return new FunctionRunner({
    functionName: resource.ref,
    functionArn: arnOf(resource),
    codeDir,
    memoryMiB: MemorySize,
    timeoutSeconds: Timeout,
    reservedConcurrency: ReservedConcurrentExecutions,
    environment: () =>
      functionEnvironment(resource, {
        region: model.region,
        endpoints,
        upstream,
        credentials,
        codeDir,
        temporaryDir,
        speed: context.speed,
        localise: addresses.localise,
      }),
    watchdog,
    log,
  });
}

/** Undefined where the template leaves it to Lambda. */
function maximumRetries({ model }: StackContext, resource: FunctionResource): number | undefined {
  const named = new Set([resource.ref, arnOf(resource)]);
  const config = model.of(compute.eventInvokeConfig).find(({ properties }) => named.has(properties.FunctionName));
  return config?.properties.MaximumRetryAttempts;
}

/** Lambda's own. */
const defaultBatchSize = 10;

/** Actions that Lambda wants the function's role to have before it polls. */
const pollActions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'] as const;

function composeQueueSources(
  context: StackContext,
  functions: Functions,
  credentialsOf: ReadonlyMap<string, Credentials>,
): QueueSource[] {
  const { model, access, addresses, endpoints, speed, log } = context;
  return model.of(compute.eventSourceMapping).flatMap(({ logicalId, properties }, index) => {
    if (properties.EventSourceArn.startsWith('arn:aws:dynamodb:')) return [];
    const refuse = (why: string): never => {
      throw new RuntimeError('bad-configuration', `${logicalId}: ${why}`);
    };
    const runner = functions.get(properties.FunctionName);
    const queue = model.of(storage.queue).find((candidate) => arnOf(candidate) === properties.EventSourceArn);
    const credentials = credentialsOf.get(runner.name);
    if (queue === undefined || credentials === undefined) {
      return refuse(`${properties.EventSourceArn} is no queue of this stack, and other event sources are not modelled`);
    }
    // Both as CloudFormation has it: such a mapping is not made.
    const timeout = model.of(compute.lambdaFunction).find(({ ref }) => ref === runner.name)?.properties.Timeout ?? 0;
    if (queue.properties.VisibilityTimeout < timeout) {
      refuse(
        `Queue visibility timeout: ${queue.properties.VisibilityTimeout} seconds is less than Function timeout: ${timeout} seconds`,
      );
    }
    const { accessKeyId } = credentials;
    for (const action of pollActions) {
      const decision = access.authorize({ accessKeyId, action, resource: arnOf(queue) });
      if (!decision.allowed) {
        refuse(`the execution role of ${runner.name} may not call ${action} on ${queue.ref}: ${decision.message}`);
      }
    }
    if (!properties.Enabled) return [];
    return [
      new QueueSource({
        runner,
        queueUrl: addresses.localise(queue.ref),
        queueArn: arnOf(queue),
        endpoint: endpoints.sqs,
        region: model.region,
        credentials,
        batchSize: properties.BatchSize ?? defaultBatchSize,
        windowMilliseconds: (properties.MaximumBatchingWindowInSeconds * 1000) / speed,
        reportsItemFailures: properties.FunctionResponseTypes.length > 0,
        concurrency: Math.min(properties.ScalingConfig?.MaximumConcurrency ?? runner.concurrency, runner.concurrency),
        random: seededRandom(context.seed + index),
        duplicates: context.duplicates,
        log,
      }),
    ];
  });
}

function composeScheduler(context: StackContext, functions: Functions): Scheduler {
  const { model, access, addresses, endpoints, speed, log } = context;
  const { region, accountId } = model;
  const entries = model.of(compute.schedule).map((resource): ScheduleEntry => {
    const { Target, GroupName, ScheduleExpression, ScheduleExpressionTimezone, State } = resource.properties;
    const group = `arn:aws:scheduler:${region}:${accountId}:schedule-group/${GroupName}`;
    const deadLetters = model.of(storage.queue).find((queue) => arnOf(queue) === Target.DeadLetterConfig?.Arn);
    return {
      name: resource.ref,
      arn: arnOf(resource),
      expression: ScheduleExpression,
      timeZone: ScheduleExpressionTimezone,
      enabled: State === 'ENABLED',
      target: functions.get(Target.Arn),
      credentials: access.assumeRole(Target.RoleArn, 'scheduler.amazonaws.com', group, resource.ref),
      input: Target.Input === undefined ? undefined : addresses.localise(Target.Input),
      deadLetterQueueUrl: deadLetters === undefined ? undefined : addresses.localise(deadLetters.ref),
    };
  });
  return new Scheduler(entries, { region, accountId, speed, sqsEndpoint: endpoints.sqs, access, functions, log });
}
