import type { Access } from '../access.ts';
import { agentEndpoints } from '../agent/endpoints.ts';
import { enrolmentAudience, proofAlgorithm, proofLifeSeconds, proofType } from '../agent/identity.ts';
import type { Endpoint } from '../endpoint.ts';
import { operatorEndpoints } from '../operators/endpoints.ts';
import { problem } from '../problem.ts';
import { type EndpointParameter, parametersOf } from './parameters.ts';
import { createSchemas, type JsonSchema } from './schemas.ts';

/** Every route of the API by its name, which is its `operationId`. */
export const allEndpoints: Readonly<Record<string, Endpoint>> = { ...agentEndpoints, ...operatorEndpoints };

/** A document of OpenAPI 3.1, as far as this file writes one. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, string>>;
  readonly servers: readonly object[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
    readonly parameters: Readonly<Record<string, object>>;
    readonly headers: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, object>>;
  };
}

/** One route of the document. */
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** Who may call it: `enrolment-token`, `host`, or the lowest role that may. */
  readonly 'x-access': Access;
  readonly parameters?: readonly object[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, object>>;
}

/** What stands after `/v1/` in the paths, and what it is about. */
const nouns: Readonly<Record<string, string>> = {
  agent: 'What hosts say and ask',
  me: 'Who is asking',
  status: 'The fleet in numbers',
  index: "Microsoft's offline index",
  updates: 'Updates, as the index and as hosts tell them',
  files: 'Payload files that the repository holds',
  requests: 'Files that hosts asked for',
  hosts: 'Hosts and their reports',
  groups: 'Groups of hosts',
  rules: 'What may be installed',
  packages: "Administrators' own packages: what the index does not hold",
  trust: 'The signed repository, and who may sign it',
  commands: 'What hosts are told to do',
  tokens: 'Enrolment tokens',
  audit: 'Who changed what',
};

const securitySchemes = {
  person: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'Access token of the OpenID provider that the broker trusts, with a claim that gives the role: viewer, operator or administrator.',
  },
  hostProof: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: `A JWT of type ${proofType} for this one request, signed by the host's key (${proofAlgorithm}), good for ${proofLifeSeconds} seconds: machine, audience, method, path, digest of the body as sent, and a sequence number that grows.`,
  },
  enrolmentProof: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: `As hostProof, signed by the key that the body brings, with the audience ${enrolmentAudience}. What lets the host in is the enrolment token in the body, member "token".`,
  },
} as const;

const schemeOf = (access: Access): keyof typeof securitySchemes =>
  access === 'enrolment-token' ? 'enrolmentProof' : access === 'host' ? 'hostProof' : 'person';

const problemContent = (schema: JsonSchema) => ({ 'application/problem+json': { schema } });

/** The OpenAPI document of the whole API, made of the endpoint tables alone. */
export function openApiDocument(): OpenApiDocument {
  const { components, schemaOf } = createSchemas();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [name, endpoint] of Object.entries(allEndpoints)) {
    const path = paths[endpoint.path] ?? {};
    paths[endpoint.path] = { ...path, [endpoint.method.toLowerCase()]: operationOf(name, endpoint, schemaOf) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'kbroker',
      version: 'v1',
      summary: 'Broker of Windows updates',
      description:
        'The API of hosts (/v1/agent) and of people. docs/api.md says how to call it. Answers may have members that a schema does not name; readers pass over them.',
    },
    servers: [
      {
        url: 'https://{api}.execute-api.{region}.amazonaws.com',
        description: 'The address stands in the outputs of the stack; npm start prints that of the embedded one.',
        variables: { api: { default: 'api' }, region: { default: 'eu-central-1' } },
      },
    ],
    tags: Object.entries(nouns).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components,
      securitySchemes,
      parameters: { IdempotencyKey: idempotencyKey },
      headers: {
        IdempotencyReplayed: {
          description: 'The change was made earlier, by a request with this idempotency key; this is its answer.',
          schema: { type: 'string', const: 'true' },
        },
        RetryAfter: { description: 'Seconds until there is room again.', schema: { type: 'integer', minimum: 1 } },
      },
      responses: {
        Problem: {
          description: 'Refused, or failed: what was got, and what is allowed (RFC 9457). `code` is stable.',
          content: problemContent(schemaOf(problem)),
        },
        Throttled: {
          description: 'Too many requests of this caller.',
          headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
          content: problemContent(schemaOf(problem)),
        },
      },
    },
  };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Made up by the caller for one change. The same request with the same key is answered as the first time, for 24 hours, and changes nothing again.',
  schema: { type: 'string', pattern: '^[!-~]{1,128}$' },
} as const;

function operationOf(
  name: string,
  endpoint: Endpoint,
  schemaOf: (shape: EndpointParameter['shape']) => JsonSchema,
): Operation {
  const { method, summary, access, request, response, safe } = endpoint;
  const parameters: object[] = parametersOf(endpoint).map((one) => parameterObject(one, schemaOf));
  const isPersonsWrite = method !== 'GET' && safe !== true && schemeOf(access) === 'person';
  if (isPersonsWrite) parameters.push({ $ref: '#/components/parameters/IdempotencyKey' });
  return {
    operationId: name,
    summary,
    tags: [nounOf(endpoint)],
    security: [{ [schemeOf(access)]: [] }],
    'x-access': access,
    ...(parameters.length > 0 && { parameters }),
    ...(request !== undefined && {
      requestBody: {
        // An absent body is an empty object, so it may be left out where that is one.
        required: !request.safeParse({}).success,
        content: { 'application/json': { schema: schemaOf(request) } },
      },
    }),
    responses: {
      200: {
        description: 'Done',
        ...(isPersonsWrite && {
          headers: { 'Idempotency-Replayed': { $ref: '#/components/headers/IdempotencyReplayed' } },
        }),
        content: { 'application/json': { schema: schemaOf(response) } },
      },
      429: { $ref: '#/components/responses/Throttled' },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function parameterObject(
  { shape, ...parameter }: EndpointParameter,
  schemaOf: (shape: EndpointParameter['shape']) => JsonSchema,
): object {
  return { ...parameter, schema: schemaOf(shape) };
}

/** The noun of an endpoint: the first part of its path after the version. */
function nounOf({ path }: Pick<Endpoint, 'path'>): string {
  const noun = path.split('/')[2] ?? '';
  if (nouns[noun] === undefined) throw new Error(`the noun ${noun} of ${path} is not described`);
  return noun;
}
