/** Who holds which access key, and what each may do: the grants of the template, asked for at every call. */
import { randomBytes } from 'node:crypto';
import type { PolicyDocument } from '#local/assembly/resources/policy-document.ts';
import type {
  Authorize,
  Credentials,
  Decision,
  SecretOf,
  ServiceCall,
  StackLogLine,
  StackOptions,
} from '#local/types.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { StackPolicies } from './policies.ts';
import { type Caller, evaluate } from './policy.ts';

interface Principal {
  readonly caller: Caller;
  /** As AWS names it in messages. */
  readonly name: string;
  readonly credentials: Credentials;
  readonly identity: readonly PolicyDocument[];
  /** Condition keys that come with every request of this principal, in lower case. */
  readonly context: Readonly<Record<string, string>>;
  readonly mayDoEverything?: boolean;
}

export interface AccessOptions {
  readonly accountId: string;
  readonly administrator: Credentials;
  readonly operator: Credentials;
  readonly log: (line: StackLogLine) => void;
  readonly onAccess?: StackOptions['onAccess'] | undefined;
}

/** Loopback has no TLS; it stands for connections that have it, which AWS's endpoints insist on. */
const transport = { 'aws:securetransport': 'true', 's3:tlsversion': '1.3' } as const;

/** A new access key, of the form that AWS gives out. */
export const newCredentials = (): Credentials => ({
  accessKeyId: `AKIA${randomBytes(10).toString('hex').toUpperCase().slice(0, 16)}`,
  secretAccessKey: randomBytes(30).toString('base64'),
});

export class Access {
  readonly #options: AccessOptions;
  readonly #principals = new Map<string, Principal>();
  readonly #complained = new Set<string>();
  #policies: StackPolicies = { roles: new Map(), resources: new Map() };

  constructor(options: AccessOptions) {
    this.#options = options;
    const root = `arn:aws:iam::${options.accountId}:root`;
    this.#add({ ...this.#identity(root, options.administrator), mayDoEverything: true });
  }

  /** Puts the template's policies in force. Until then only the administrator may do anything. */
  enforce(policies: StackPolicies): void {
    this.#policies = policies;
  }

  /** @param invoke ARNs of `execute-api:Invoke` that the operator may call */
  setOperator(invoke: readonly string[]): void {
    const arn = `arn:aws:iam::${this.#options.accountId}:user/operator`;
    const document: PolicyDocument = {
      Version: '2012-10-17',
      Statement: invoke.length === 0 ? [] : [{ Effect: 'Allow', Action: ['execute-api:Invoke'], Resource: invoke }],
    };
    this.#add({ ...this.#identity(arn, this.#options.operator), identity: [document] });
  }

  readonly secretOf: SecretOf = (accessKeyId) => this.#principals.get(accessKeyId)?.credentials.secretAccessKey;

  readonly authorize: Authorize = ({ accessKeyId, action, resource, context }) => {
    const principal = this.#principals.get(accessKeyId);
    if (principal !== undefined) {
      const decision = this.#decide(principal, action, resource, context);
      if (decision.allowed) this.#options.onAccess?.({ caller: principal.name, action, resource });
      return decision;
    }
    const who = accessKeyId === '' ? 'an anonymous caller' : `the unknown access key ${accessKeyId}`;
    return this.#deny(who, action, resource, 'because the request is signed by nobody of this account');
  };

  /** ARN of whoever holds an access key. */
  arnOf(accessKeyId: string): string | undefined {
    const principal = this.#principals.get(accessKeyId);
    return principal?.caller.kind === 'identity' ? principal.caller.arn : undefined;
  }

  /**
   * Takes on a role as a service does, to work for the resource with this ARN.
   * @throws RuntimeError `not-trusted` when the role's trust policy does not name the service for that resource
   */
  assumeRole(roleArn: string, service: string, sourceArn: string, session: string): Credentials {
    const { accountId } = this.#options;
    const role = this.#policies.roles.get(roleArn);
    if (role === undefined) throw new RuntimeError('unknown-resource', `there is no role ${roleArn} in this stack`);
    const verdict = evaluate([role.trust], {
      caller: { kind: 'service', service },
      action: 'sts:AssumeRole',
      resource: roleArn,
      context: { 'aws:sourceaccount': accountId, 'aws:sourcearn': sourceArn },
    });
    if (verdict !== 'allow') {
      throw new RuntimeError('not-trusted', `the role ${role.name} does not trust ${service} working for ${sourceArn}`);
    }
    const principal: Principal = {
      ...this.#identity(roleArn, newCredentials()),
      name: `arn:aws:sts::${accountId}:assumed-role/${role.name}/${session}`,
      identity: role.identity,
    };
    this.#add(principal);
    return principal.credentials;
  }

  /** An access key of a service that calls others for a resource of this account. */
  serviceCredentials(service: string, sourceArn: string): Credentials {
    const credentials = newCredentials();
    this.#add({
      caller: { kind: 'service', service },
      name: service,
      credentials,
      identity: [],
      context: { ...transport, 'aws:sourceaccount': this.#options.accountId, 'aws:sourcearn': sourceArn },
    });
    return credentials;
  }

  #identity(arn: string, credentials: Credentials): Principal {
    const { accountId } = this.#options;
    return {
      caller: { kind: 'identity', arn, accountId },
      name: arn,
      credentials,
      identity: [],
      context: { ...transport, 'aws:principalarn': arn, 'aws:principalaccount': accountId },
    };
  }

  #add(principal: Principal): void {
    this.#principals.set(principal.credentials.accessKeyId, principal);
  }

  #decide(principal: Principal, action: string, resource: string, context: ServiceCall['context']): Decision {
    if (principal.mayDoEverything === true) return { allowed: true };
    const request = { caller: principal.caller, action, resource, context: { ...context, ...principal.context } };
    const identity = evaluate(principal.identity, request);
    const owner = evaluate(this.#policies.resources.get(ownerOf(resource)) ?? [], request);
    if (identity === 'deny' || owner === 'deny') {
      const which = identity === 'deny' ? 'an identity-based' : 'a resource-based';
      return this.#deny(principal.name, action, resource, `with an explicit deny in ${which} policy`);
    }
    // Within one account it is enough that one of the two allows. A key of KMS is the exception: identity policies count
    // only because its key policy lets the account decide. Key policies that name roles are not modelled.
    // https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    const either = identity === 'allow' || owner === 'allow';
    const both = identity === 'allow' && owner === 'allow';
    if (resource.startsWith('arn:aws:kms:') ? both : either) return { allowed: true };
    const which = principal.caller.kind === 'service' ? 'resource-based' : 'identity-based';
    return this.#deny(principal.name, action, resource, `because no ${which} policy allows the ${action} action`);
  }

  #deny(who: string, action: string, resource: string, why: string): Decision {
    const message = `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
    // The first time is news. A poller that is denied would otherwise fill the log.
    const level = this.#complained.has(message) ? 'debug' : 'warn';
    this.#complained.add(message);
    this.#options.log({ source: 'iam', level, message: `denied: ${message}` });
    return { allowed: false, message };
  }
}

/** The resource that a policy can hang on: the bucket of an object, the function of a version. */
function ownerOf(arn: string): string {
  if (arn.startsWith('arn:aws:s3:::')) return arn.split('/')[0] ?? arn;
  if (arn.startsWith('arn:aws:lambda:')) return arn.split(':').slice(0, 7).join(':');
  return arn;
}
