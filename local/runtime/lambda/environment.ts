/**
 * The environment of a function: the template's variables and Lambda's own, and nothing of the runner's.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
import type { lambdaFunction } from '#local/assembly/resources/compute.ts';
import type { Resource } from '#local/assembly/stack-model.ts';
import type { AddressBook, Credentials, LocalStack } from '#local/types.ts';
import { RuntimeError } from '../runtime-error.ts';

export interface EnvironmentOptions {
  readonly region: string;
  readonly endpoints: LocalStack['endpoints'];
  readonly upstream: AddressBook;
  /** Of the function's role. */
  readonly credentials: Credentials;
  readonly codeDir: string;
  readonly temporaryDir: string;
  /** Divides the times that functions are told to keep things for. */
  readonly speed: number;
  /** Puts the addresses of this machine into a value. */
  readonly localise: (text: string) => string;
}

type FunctionResource = Resource<(typeof lambdaFunction)['schema']['_zod']['output']>;

/** Lambda's limit for all variables of a function together (its documentation, "Lambda quotas"). Bytes. */
const maxEnvironmentBytes = 4096;

/** @throws RuntimeError `bad-configuration` for more variables than Lambda takes */
export function functionEnvironment(
  { ref: name, properties }: FunctionResource,
  options: EnvironmentOptions,
): Record<string, string> {
  const { region, endpoints, upstream, credentials } = options;
  const { LogFormat = 'Text', ApplicationLogLevel } = properties.LoggingConfig ?? {};
  const { Variables } = properties.Environment;
  const trust: Readonly<Record<string, string>> =
    upstream.indexTrust === undefined
      ? {}
      : {
          INDEX_ROOTS: upstream.indexTrust.addedRootsPem,
          INDEX_ALLOW_SHA1: String(upstream.indexTrust.allowSha1),
          INDEX_ALLOW_SINGLE_PACKAGE: String(upstream.indexTrust.allowSinglePackage),
        };
  // What another deployment would say in the template; functions that read no index do not get it.
  const replaced = 'INDEX_URL' in Variables ? trust : {};
  refuseBeyondLambda(name, { ...Variables, ...replaced });
  const own = Object.entries(Variables).map(([key, value]) => [
    key,
    // A day of the stack is shorter here, and what is kept for a minute of it as well.
    key.endsWith('_KEEP_SECONDS') ? String(Number(value) / options.speed) : options.localise(value),
  ]);
  return {
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    TZ: 'UTC',
    TMPDIR: options.temporaryDir,
    ...Object.fromEntries(own),
    _HANDLER: properties.Handler,
    LAMBDA_TASK_ROOT: options.codeDir,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EXECUTION_ENV: `AWS_Lambda_${properties.Runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    AWS_LAMBDA_LOG_FORMAT: LogFormat,
    ...(ApplicationLogLevel === undefined ? {} : { AWS_LAMBDA_LOG_LEVEL: ApplicationLogLevel }),
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    AWS_ENDPOINT_URL_KMS: endpoints.kms,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.eventBridge,
    NODE_EXTRA_CA_CERTS: upstream.caFile,
    ...replaced,
    // Read and removed by preload.ts, before the function's code.
    KBROKER_LOCAL_ADDRESSES: JSON.stringify(upstream.connect),
  };
}

/** Measured as Lambda's own refusal prints it ("String measured: …"): as JSON, where a line end has two bytes. */
function refuseBeyondLambda(name: string, variables: Readonly<Record<string, string>>): void {
  const bytes = Buffer.byteLength(JSON.stringify(variables));
  if (bytes <= maxEnvironmentBytes) return;
  const largest = Object.entries(variables).sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
  throw new RuntimeError(
    'bad-configuration',
    `the environment of ${name} has ${bytes} bytes, and Lambda takes ${maxEnvironmentBytes}; the largest variable is ${largest}`,
  );
}
