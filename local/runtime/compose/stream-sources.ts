/** Functions behind the streams of tables. */
import { join } from 'node:path';
import * as compute from '#local/assembly/resources/compute.ts';
import * as storage from '#local/assembly/resources/storage.ts';
import type { Resource } from '#local/assembly/stack-model.ts';
import type { Credentials } from '#local/types.ts';
import type { Functions } from '../lambda/functions.ts';
import { seededRandom } from '../random.ts';
import { RuntimeError } from '../runtime-error.ts';
import { openStreamPositions } from '../stream-positions.ts';
import { StreamSource } from '../stream-source.ts';
import type { StackContext } from './context.ts';

type Mapping = Resource<(typeof compute.eventSourceMapping)['schema']['_zod']['output']>;

/** Lambda's own. */
const defaultBatchSize = 100;

/** Actions that Lambda wants the function's role to have before it polls. */
const readActions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
  (operation) => `dynamodb:${operation}`,
);

/** @throws RuntimeError `bad-configuration` for a mapping that CloudFormation would not make, or that is not modelled */
export async function composeStreamSources(
  context: StackContext,
  functions: Functions,
  credentialsOf: ReadonlyMap<string, Credentials>,
): Promise<StreamSource[]> {
  const mappings = context.model
    .of(compute.eventSourceMapping)
    .filter(({ properties }) => properties.EventSourceArn.startsWith('arn:aws:dynamodb:'));
  const sources = await Promise.all(
    mappings.map((mapping, index) => composeSource(context, functions, credentialsOf, mapping, index)),
  );
  return sources.filter((source) => source !== undefined);
}

async function composeSource(
  context: StackContext,
  functions: Functions,
  credentialsOf: ReadonlyMap<string, Credentials>,
  { logicalId, properties }: Mapping,
  index: number,
): Promise<StreamSource | undefined> {
  const { model, access, addresses, endpoints, speed, log, dataDir } = context;
  const refuse = (why: string): never => {
    throw new RuntimeError('bad-configuration', `${logicalId}: ${why}`);
  };
  const { EventSourceArn: streamArn, StartingPosition, DestinationConfig } = properties;
  const runner = functions.get(properties.FunctionName);
  const table = [...model.of(storage.table), ...model.of(storage.globalTable)].find(
    ({ attributes }) => attributes.StreamArn === streamArn,
  );
  const credentials = credentialsOf.get(runner.name);
  if (table?.properties.StreamSpecification === undefined || credentials === undefined) {
    return refuse(`${streamArn} is no stream of a table of this stack`);
  }
  if (StartingPosition === undefined) return refuse('a stream needs a StartingPosition');
  const { accessKeyId } = credentials;
  const must = (action: string, resource: string): void => {
    const decision = access.authorize({ accessKeyId, action, resource });
    if (!decision.allowed)
      refuse(`the execution role of ${runner.name} may not call ${action} on ${resource}: ${decision.message}`);
  };
  for (const action of readActions) must(action, streamArn);
  const destination = DestinationConfig?.OnFailure?.Destination;
  const queue = model.of(storage.queue).find(({ attributes }) => attributes.Arn === destination);
  if (destination !== undefined) {
    if (queue === undefined)
      refuse(`${destination} is no queue of this stack, and other destinations are not modelled`);
    must('sqs:SendMessage', destination);
  }
  if (!properties.Enabled) return undefined;
  const bound = (value: number): number | undefined => (value < 0 ? undefined : value);
  const age = bound(properties.MaximumRecordAgeInSeconds);
  return new StreamSource({
    runner,
    streamArn,
    endpoint: endpoints.dynamodb,
    sqsEndpoint: endpoints.sqs,
    region: model.region,
    credentials,
    positions: await openStreamPositions(join(dataDir, 'streams', `${logicalId}.json`), streamArn),
    startingPosition: StartingPosition,
    batchSize: properties.BatchSize ?? defaultBatchSize,
    windowMilliseconds: (properties.MaximumBatchingWindowInSeconds * 1000) / speed,
    reportsItemFailures: properties.FunctionResponseTypes.length > 0,
    bisects: properties.BisectBatchOnFunctionError,
    maximumRetries: bound(properties.MaximumRetryAttempts),
    maximumAgeMilliseconds: age === undefined ? undefined : age * 1000,
    onFailureQueueUrl: queue === undefined ? undefined : addresses.localise(queue.ref),
    speed,
    random: seededRandom(context.seed + 1000 + index),
    duplicates: context.duplicates,
    log,
  });
}
