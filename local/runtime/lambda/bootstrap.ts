/**
 * Runs in the function's process: loads the handler and serves invocations from the Runtime API.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 * The process must not outlive the runner: it ends when the connection to the Runtime API breaks.
 */
import { existsSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this file is started by the runner`);
  return value;
};

const api = `http://${environment('AWS_LAMBDA_RUNTIME_API')}/2018-06-01/runtime`;
// One connection that stays open: when it closes, the runner is gone.
const agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const die = (): never => process.exit(1);

/** A call of the Runtime API. Whatever goes wrong with it means that the runner is gone. */
function call(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(`${api}${path}`, { method, agent, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', die);
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }));
    });
    outgoing.on('socket', (socket) => {
      if (socket.listenerCount('close', die) === 0) socket.on('close', die);
    });
    outgoing.on('error', die);
    outgoing.end(body);
  });
}

const describe = (error: unknown): { errorType: string; errorMessage: string; trace: string[] } =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: 'string', errorMessage: String(error), trace: [] };

const report = async (path: string, error: unknown): Promise<void> => {
  const described = describe(error);
  await call('POST', path, JSON.stringify(described), {
    'content-type': 'application/json',
    'lambda-runtime-function-error-type': described.errorType,
  });
};

type Handler = (event: unknown, context: object) => unknown;

/** `folder/module.export`: the first dot after the last slash parts the module from the path of the export. */
async function loadHandler(): Promise<Handler> {
  const name = environment('_HANDLER');
  const dot = name.indexOf('.', name.lastIndexOf('/') + 1);
  const [module, path] = [name.slice(0, dot), name.slice(dot + 1)];
  const stem = join(environment('LAMBDA_TASK_ROOT'), module);
  const file = ['.js', '.mjs', '.cjs'].map((extension) => stem + extension).find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`Cannot find module '${module}' of the handler ${name}`);
  let found: unknown = await import(pathToFileURL(file).href);
  for (const part of path.split('.')) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, part) : undefined;
  }
  if (typeof found !== 'function') throw new Error(`${name} is undefined or not exported`);
  const handler = found;
  return (event, context) => Reflect.apply(handler, undefined, [event, context]);
}

const header = (headers: IncomingHttpHeaders, name: string): string => String(headers[name] ?? '');

function contextOf(headers: IncomingHttpHeaders): object {
  const deadline = Number(header(headers, 'lambda-runtime-deadline-ms'));
  return {
    awsRequestId: header(headers, 'lambda-runtime-aws-request-id'),
    invokedFunctionArn: header(headers, 'lambda-runtime-invoked-function-arn'),
    functionName: environment('AWS_LAMBDA_FUNCTION_NAME'),
    functionVersion: environment('AWS_LAMBDA_FUNCTION_VERSION'),
    memoryLimitInMB: environment('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
    logGroupName: environment('AWS_LAMBDA_LOG_GROUP_NAME'),
    logStreamName: environment('AWS_LAMBDA_LOG_STREAM_NAME'),
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function serve(handler: Handler): Promise<never> {
  for (;;) {
    const { headers, body } = await call('GET', '/invocation/next');
    const requestId = header(headers, 'lambda-runtime-aws-request-id');
    process.env._X_AMZN_TRACE_ID = header(headers, 'lambda-runtime-trace-id');
    let result: string;
    try {
      const value = await handler(JSON.parse(body), contextOf(headers));
      // A handler that returns nothing, or what JSON has no word for, answers null, as on AWS.
      result = JSON.stringify(value) ?? 'null';
    } catch (error) {
      await report(`/invocation/${requestId}/error`, error);
      continue;
    }
    await call('POST', `/invocation/${requestId}/response`, result, { 'content-type': 'application/json' });
  }
}

let handler: Handler;
try {
  handler = await loadHandler();
} catch (error) {
  await report('/init/error', error);
  process.exit(1);
}
await serve(handler);
