/** Runs a synthesized stack on this machine: servers on loopback, functions as processes, grants as the template has them. */
import { resolve } from 'node:path';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { readCloudAssembly } from './assembly/cloud-assembly.ts';
import { loadStackModel } from './assembly/stack-model.ts';
import { createAddresses } from './runtime/addresses.ts';
import type { StackContext } from './runtime/compose/context.ts';
import { startApis, startDistributions } from './runtime/compose/edge.ts';
import { composeFunctions } from './runtime/compose/functions.ts';
import { startUserPools } from './runtime/compose/identity.ts';
import { Access } from './runtime/iam/access.ts';
import { gatherPolicies } from './runtime/iam/policies.ts';
import { Functions } from './runtime/lambda/functions.ts';
import { toResult } from './runtime/lambda/outcome.ts';
import { createLambdaServer } from './runtime/lambda/service.ts';
import { provision } from './runtime/provision.ts';
import type { QueueSource } from './runtime/queue-source.ts';
import { RuntimeError } from './runtime/runtime-error.ts';
import { loadState, saveState } from './runtime/saved-state.ts';
import { listen, startServices } from './runtime/services.ts';
import { type FolderLock, lockFolder } from './servers/folder-lock.ts';
import { ServersError } from './servers/servers-error.ts';
import type { LocalStack, StackOptions } from './types.ts';

/** Where the template leaves the region open. */
const defaultRegion = 'eu-west-1';
/** No account of AWS has this number. */
const accountId = '000000000000';

/**
 * Starts the stack and resolves when it serves. A data folder is used by one stack at a time and goes on with what it
 * holds; its ports stay the same as long as they are free.
 * @throws AssemblyError when the template holds something that is not modelled; nothing has been started then
 * @throws RuntimeError `data-in-use`, `not-trusted`, `bad-configuration`
 */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const assembly = await readCloudAssembly(options.assemblyDir);
  const modelOptions = { defaultRegion, accountId };
  const checked = loadStackModel(assembly, modelOptions);
  gatherPolicies(checked);
  const { speed = 1, seed = 1, duplicates = 0, log = () => undefined } = options;
  if (!(speed > 0)) throw new RuntimeError('bad-configuration', `speed must be more than 0, got ${speed}`);

  const dataDir = resolve(options.dataDir);
  const cleanup = new AsyncDisposableStack();
  try {
    const lock = lockDataDir(dataDir);
    cleanup.defer(() => lock.release());
    const state = await loadState(dataDir);
    const { administrator, operator } = state;
    const access = new Access({ accountId, administrator, operator, log, onAccess: options.onAccess });
    const region = checked.region;
    const serverOptions = { dataDir, region, accountId, authorize: access.authorize, secretOf: access.secretOf };
    const services = await startServices(serverOptions, state.ports, cleanup, options.secrets);
    const serviceUrls = {
      s3: services.s3.url,
      dynamodb: services.dynamodb.url,
      sqs: services.sqs.url,
      secretsManager: services.secretsManager.url,
      kms: services.kms.url,
      eventBridge: services.eventBridge.url,
    };
    const { identities, queueUrls } = await provision(checked, { endpoints: serviceUrls, administrator, speed });
    const model = loadStackModel(assembly, { ...modelOptions, identities });
    access.enforce(gatherPolicies(model));
    const addresses = createAddresses();
    for (const [onAws, here] of queueUrls) addresses.add(onAws, here);

    const functions = new Functions({ speed, log });
    const lambdaServer = createLambdaServer({
      region,
      authorize: access.authorize,
      secretOf: access.secretOf,
      functions,
    });
    const endpoints = { ...serviceUrls, lambda: await listen(lambdaServer, 'lambda', state.ports, cleanup) };
    const context: StackContext = {
      model,
      access,
      addresses,
      endpoints,
      upstream: options.upstream,
      dataDir,
      assets: assembly.assets,
      ports: state.ports,
      speed,
      seed,
      duplicates,
      log,
      cleanup,
    };
    await startDistributions(context);
    await startUserPools(context);
    const { queueSources, streamSources, scheduler } = await composeFunctions(context, functions);
    access.setOperator(await startApis(context, functions));
    await saveState(dataDir, state);
    for (const source of [...queueSources, ...streamSources]) source.start();
    if (options.schedules ?? true) scheduler.start();

    const outputs = Object.entries(model.outputs).map(([name, value]) => [name, addresses.localise(value)]);
    const sqs = new SQSClient({ region, endpoint: endpoints.sqs, credentials: administrator });
    cleanup.defer(() => sqs.destroy());
    let closing: Promise<void> | undefined;
    return {
      outputs: Object.fromEntries(outputs),
      endpoints,
      region,
      operator,
      administrator,
      async trigger(functionName) {
        const entry = scheduler.find(functions.get(functionName).name);
        if (entry !== undefined) return toResult(await scheduler.trigger(entry));
        throw new RuntimeError('unknown-resource', `no schedule invokes ${functionName}`);
      },
      invoke: async (functionName, payload) =>
        toResult(await functions.get(functionName).invoke(JSON.stringify(payload ?? null))),
      kill: (functionName) => functions.get(functionName).kill(),
      events: () => services.eventBridge.events(),
      drained: (queueUrl) => drained(sqs, queueUrl, queueSources),
      async streamsDrained() {
        await Promise.all(streamSources.map((source) => source.drained()));
      },
      close() {
        closing ??= cleanup.disposeAsync();
        return closing;
      },
    };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

function lockDataDir(dataDir: string): FolderLock {
  try {
    return lockFolder(dataDir);
  } catch (cause) {
    if (!(cause instanceof ServersError)) throw cause;
    const message = `another stack is running on the data folder ${dataDir}: end it first, or use another folder`;
    throw new RuntimeError('data-in-use', message, { cause });
  }
}

const drainPollMilliseconds = 100;

/** A message between two states may be seen in none for a moment: what was seen once must be seen twice. */
async function drained(sqs: SQSClient, queueUrl: string, sources: readonly QueueSource[]): Promise<void> {
  for (let empty = 0; empty < 2; await new Promise((later) => setTimeout(later, drainPollMilliseconds))) {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    const messages = Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    const busy = sources.some((source) => source.queueUrl === queueUrl && source.busy);
    empty = messages === 0 && !busy ? empty + 1 : 0;
  }
}
