import type * as z from 'zod/mini';
import type { Access } from './access.ts';

/** Methods of the API. */
type Method = 'GET' | 'POST' | 'PUT';

/**
 * One row of an endpoint table. The table drives the routes of the function, the routes of the HTTP API in the stack,
 * the OpenAPI document and the typed clients, so that none of them can drift.
 */
export interface Endpoint {
  readonly method: Method;
  /** HTTP API path, for instance `/v1/hosts/{machineId}`. */
  readonly path: string;
  readonly summary: string;
  /** Who may call it. */
  readonly access: Access;
  readonly request?: z.ZodMiniType;
  readonly response: z.ZodMiniType;
  /** Names of the query parameters that are read. */
  readonly query?: readonly string[];
  /**
   * It changes nothing although it is no GET (RFC 9110 calls that safe): a question that is too long for an address. No
   * entry of the audit log, and nothing is kept to answer it again.
   *
   * @default - a GET changes nothing, all others do
   */
  readonly safe?: true;
}

export type RequestOf<E extends Endpoint> = E extends { readonly request: infer R extends z.ZodMiniType }
  ? z.infer<R>
  : undefined;
export type ResponseOf<E extends Endpoint> = z.infer<E['response']>;
