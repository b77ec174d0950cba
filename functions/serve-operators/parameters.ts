import * as z from 'zod/mini';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { PageQuery } from '#shared/stores/page.ts';
import { StoreError } from '#shared/stores/store-error.ts';

const defaultLimit = 100;
const limit = z.coerce.number().check(z.int(), z.minimum(1), z.maximum(500));

type Query = Readonly<Record<string, string | undefined>>;

/** @throws ProblemError `bad-request` that names the parameter, what is allowed and what was got */
export function parameter<S extends z.ZodMiniType>(schema: S, name: string, value: string | undefined): z.output<S> {
  const parsed = parseInWords(z.object({ [name]: schema }), { [name]: value });
  if (!parsed.success) throw new ProblemError('bad-request', inOneLine(parsed.faults));
  return z.parse(schema, value);
}

/** Which part of a list is asked for: 100 rows from the start unless `cursor` and `limit` say otherwise. */
export function pageQuery({ cursor, limit: asked }: Query): PageQuery {
  return { cursor, limit: asked === undefined ? defaultLimit : parameter(limit, 'limit', asked) };
}

/** The member of an answer that says where a list goes on. */
export const nextOf = (page: { readonly next?: string }): { next?: string } =>
  page.next === undefined ? {} : { next: page.next };

/** @throws ProblemError `not-found` */
export function missing(detail: string): never {
  throw new ProblemError('not-found', detail);
}

/** A store refuses a cursor that it did not give out: the caller's fault. */
export const listing = <T>(list: () => Promise<T>): Promise<T> => unlessRefused('bad-request', list);

/** @throws ProblemError with this code when the store refused, in the store's words */
export async function unlessRefused<T>(
  code: 'bad-request' | 'unavailable' | 'too-large',
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'refused')
      throw new ProblemError(code, error.message, { cause: error });
    throw error;
  }
}
