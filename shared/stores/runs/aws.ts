import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { syncIndexEvent } from '../../contract/messages/sync-index.ts';
import { sweepResult } from '../../contract/operators/views.ts';
import { StoreError } from '../store-error.ts';
import type { RunStarter } from './port.ts';

/** Starts the functions by Lambda's own API, by name. */
export function awsRunStarter(
  lambda: LambdaClient,
  functions: { readonly syncFunction: string; readonly sweepFunction: string },
): RunStarter {
  return {
    async startSync(runId) {
      await lambda.send(
        new InvokeCommand({
          FunctionName: functions.syncFunction,
          InvocationType: 'Event',
          Payload: JSON.stringify(z.parse(syncIndexEvent, { runId })),
        }),
      );
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
