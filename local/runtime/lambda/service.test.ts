import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credentials } from '#local/types.ts';
import { type Fixture, type FixtureStack, prepareFixture } from '../fixture/start.ts';

let fixture: Fixture;
let stack: FixtureStack;
beforeAll(async () => {
  fixture = await prepareFixture();
  stack = await fixture.start('lambda');
});
afterAll(async () => {
  await stack.close();
  await fixture.remove();
});

const client = (credentials: Credentials): LambdaClient =>
  new LambdaClient({ region: stack.region, endpoint: stack.endpoints.lambda, credentials, maxAttempts: 1 });

describe('the Lambda service', () => {
  const send = (type: 'RequestResponse' | 'Event' | 'DryRun', payload: object | string, name = 'Worker') =>
    client(stack.administrator).send(
      new InvokeCommand({
        FunctionName: stack.outputs[name] ?? name,
        InvocationType: type,
        Payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      }),
    );

  it('answers with the result, or with the error of the function', async () => {
    const good = await send('RequestResponse', { do: 'put', key: 'b', body: 'x' });
    expect(good.StatusCode).toBe(200);
    expect(good.FunctionError).toBeUndefined();
    expect(JSON.parse(Buffer.from(good.Payload ?? []).toString())).toEqual({ body: 'x' });
    const bad = await send('RequestResponse', { do: 'throw' });
    expect(bad).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(JSON.parse(Buffer.from(bad.Payload ?? []).toString())).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'as asked',
    });
  });

  it('takes an event and runs it afterwards, and again when it fails', async () => {
    const before = stack.log.length;
    expect((await send('Event', { do: 'throw' })).StatusCode).toBe(202);
    const dropped = () => stack.log.slice(before).filter(({ message }) => /dropped after 3 failed/.test(message));
    // 60 s and 120 s at twenty times the speed.
    await expect.poll(dropped, { timeout: 20_000 }).toHaveLength(1);
  });

  it('is called by a function that is granted to', async () => {
    const call = { type: 'RequestResponse', payload: { do: 'context' } };
    const answer = await stack.invoke(stack.output('Caller'), call);
    expect(answer).toMatchObject({ ok: true, payload: { status: 200, error: null } });
  });

  it('refuses what AWS refuses', async () => {
    await expect(send('RequestResponse', {}, 'absent')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(send('RequestResponse', 'no json')).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    });
    const large = JSON.stringify('x'.repeat(6 * 1024 * 1024));
    await expect(send('RequestResponse', large)).rejects.toMatchObject({ name: 'RequestTooLargeException' });
    await expect(send('Event', large.slice(0, 2 * 1024 * 1024).concat('"'))).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
    expect((await send('DryRun', {})).StatusCode).toBe(204);
    const stranger = client({ accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' });
    await expect(stranger.send(new InvokeCommand({ FunctionName: stack.output('Worker') }))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
    const operator = client(stack.operator);
    await expect(operator.send(new InvokeCommand({ FunctionName: stack.output('Worker') }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(/user\/operator is not authorized to perform: lambda:InvokeFunction/),
    });
  });
});
