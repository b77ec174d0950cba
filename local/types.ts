/** What the parts of the embedded stack promise each other. */

/** One call of an AWS service as IAM sees it. */
export interface ServiceCall {
  /** Access key id that signed the request; each function's role has its own. Empty when the request is not signed. */
  readonly accessKeyId: string;
  /** IAM action, for instance `s3:GetObject`. */
  readonly action: string;
  /** ARN of what is touched. */
  readonly resource: string;
  /** Condition keys that only the service knows, in lower case, for instance `dynamodb:leadingkeys`. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly message: string };

/** Asked by every embedded server for every call, so that a call the role does not allow fails as on AWS. */
export type Authorize = (call: ServiceCall) => Decision;

/** Secret of an access key, to verify signatures; undefined for an unknown key. */
export type SecretOf = (accessKeyId: string) => string | undefined;

/** A server of the embedded stack. It listens on 127.0.0.1 only. */
export interface EmbeddedServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Folder of this server's state; a restart on it goes on where it ended, also after kill -9. */
  readonly dataDir: string;
  readonly region: string;
  readonly accountId: string;
  readonly authorize: Authorize;
  readonly secretOf: SecretOf;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What stands in for Microsoft: where connections to its real names really go, and who signs in its place. */
export interface AddressBook {
  /** `host:port` → `127.0.0.1:port`, for instance `download.windowsupdate.com:80` → `127.0.0.1:40123`. */
  readonly connect: Readonly<Record<string, string>>;
  /** PEM file of the certificate authority that signed the fake's certificates. */
  readonly caFile: string;
  /** @default what the template says */
  readonly indexTrust?: IndexTrust;
}

/** Whose signature an index must have here. Functions and agents are told it in the place of what they would trust. */
export interface IndexTrust {
  /** Certificates that the signature must lead to, PEM. */
  readonly rootsPem: string;
  /** Those of them that are not Microsoft's own, which functions know anyway. */
  readonly addedRootsPem: string;
  /** Accept SHA-1, as Microsoft signed until 2020. */
  readonly allowSha1: boolean;
  /** Publish the index of an .msu as well, which knows a single package. */
  readonly allowSinglePackage: boolean;
}

export interface StackOptions {
  /** Folder with manifest.json and the template: the output of `cdk synth`. */
  readonly assemblyDir: string;
  readonly dataDir: string;
  readonly upstream: AddressBook;
  /** Divides schedule intervals, visibility timeouts and delays: 60 makes 30 minutes 30 seconds. Default 1. */
  readonly speed?: number;
  /** Seed of the shuffled and duplicated deliveries. Default 1. */
  readonly seed?: number;
  /** Share of deliveries of queues, and of batches of streams, that are handed out twice, 0 to 1. Default 0. */
  readonly duplicates?: number;
  /** False: schedules run only by {@link LocalStack.trigger}. Default true. */
  readonly schedules?: boolean;
  /**
   * Secrets that were made before the stack: texts by ARN. Another text than the one that is kept becomes its newest
   * version. Default: none.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** One line for each thing that happens (invocations, denied calls, function logs). */
  readonly log?: (line: StackLogLine) => void;
  /** Told of each thing that a caller was allowed to do, as IAM sees it: what AWS would count and charge for. */
  readonly onAccess?: (access: AllowedAccess) => void;
}

/** One allowed action; a call that touches several items is one for each. */
export interface AllowedAccess {
  /** ARN of who did it, or the service that did. */
  readonly caller: string;
  /** IAM action, for instance `dynamodb:GetItem`. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
}

export interface StackLogLine {
  readonly source: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

export type InvocationResult =
  | { readonly ok: true; readonly payload: unknown }
  | { readonly ok: false; readonly error: string; readonly kind: 'function-error' | 'timeout' | 'crashed' };

/** An event as a subscriber of its bus would get it. */
export interface StackEvent {
  readonly id: string;
  /** Name of the bus. */
  readonly bus: string;
  /** ISO 8601. */
  readonly time: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

/** The running stack. */
export interface LocalStack {
  /** CfnOutputs of the template, resolved: ApiUrl, RepositoryUrl, Issuer, … (infra names them). */
  readonly outputs: Readonly<Record<string, string>>;
  /** Addresses for SDK clients. */
  readonly endpoints: {
    readonly s3: string;
    readonly dynamodb: string;
    readonly sqs: string;
    readonly lambda: string;
    readonly secretsManager: string;
    readonly kms: string;
    readonly eventBridge: string;
  };
  readonly region: string;
  /** A person with `execute-api:Invoke` on the operators' routes and nothing else. */
  readonly operator: Credentials;
  /** May do everything: provisioning and tests. */
  readonly administrator: Credentials;
  /** Runs the target of a schedule now, as the scheduler would; the function is named by its physical name. */
  trigger(functionName: string): Promise<InvocationResult>;
  invoke(functionName: string, payload: unknown): Promise<InvocationResult>;
  /** Kills the processes of a function in the middle of their work, as a crash would. Returns how many. */
  kill(functionName: string): Promise<number>;
  /** The last events on the buses of the stack, the oldest first. */
  events(): readonly StackEvent[];
  /** Resolves when the queue (by URL) has no visible, delayed or in-flight message. */
  drained(queueUrl: string): Promise<void>;
  /**
   * Resolves when functions behind streams have worked on all changes that were made before the call. Batching windows
   * are cut short until then.
   */
  streamsDrained(): Promise<void>;
  close(): Promise<void>;
}
