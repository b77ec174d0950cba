import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { cleanPayloadsEvent } from '../../contract/messages/clean-payloads.ts';
import { syncIndexEvent } from '../../contract/messages/sync-index.ts';
import { sweepResult } from '../../contract/operators/views.ts';
import { StoreError } from '../store-error.ts';
import type { RunStarter } from './port.ts';

/** Starts `sync-index` as an event, which Lambda keeps until the function is free, and does not wait for it. */
export function awsSyncStarter(
  lambda: LambdaClient,
  functionName: string,
): (event: z.infer<typeof syncIndexEvent>) => Promise<void> {
  return async (event) => {
    const Payload = JSON.stringify(z.parse(syncIndexEvent, event));
    await lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload }));
  };
}

/** Starts the functions by Lambda's own API, by name. */
export function awsRunStarter(
  lambda: LambdaClient,
  functions: { readonly syncFunction: string; readonly sweepFunction: string; readonly cleanFunction: string },
): RunStarter {
  return {
    startSync: (runId, wishes) => awsSyncStarter(lambda, functions.syncFunction)({ ...wishes, runId }),

    async startCleaning(runId, wishes) {
      const Payload = JSON.stringify(z.parse(cleanPayloadsEvent, { ...wishes, runId }));
      const FunctionName = functions.cleanFunction;
      await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
    },

    async sweep() {
      const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName: functions.sweepFunction, InvocationType: 'RequestResponse', Payload: '{}' }),
      );
      const text = Payload === undefined ? '' : Buffer.from(Payload).toString();
      if (FunctionError !== undefined)
        throw new StoreError('refused', `the sweep failed (${FunctionError}): ${text.slice(0, 500)}`);
      return z.parse(sweepResult, JSON.parse(text));
    },
  };
}
