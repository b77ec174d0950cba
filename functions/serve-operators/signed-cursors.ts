import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { CursorCodec } from '#shared/stores/page.ts';
import { listing } from './parameters.ts';
import type { OperatorsApi } from './ports.ts';

interface ListCall {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/**
 * Signs the cursors of all lists in one place: what a list gives out as `next` is bound to the list and its filter, and
 * what comes back as `cursor` is refused unless it was given out so. How many rows are asked for may change on the way.
 */
export function withSignedCursors(api: OperatorsApi, cursors: CursorCodec): OperatorsApi {
  const endpoints: Readonly<Record<string, Endpoint>> = operatorEndpoints;
  const signed = Object.entries(api).map(([name, implementation]) => {
    if (endpoints[name]?.query?.includes('cursor') !== true) return [name, implementation];
    // Inside this loop over rows the compiler cannot see that a list answers with a page.
    const list = implementation as unknown as (call: ListCall) => Promise<{ readonly next?: string }>;
    const answer = async (call: ListCall): Promise<object> => {
      const key = listKey(name, call);
      const { cursor } = call.query;
      const position = cursor === undefined ? undefined : await listing(() => cursors.open(key, cursor));
      const page = await list({ ...call, query: { ...call.query, cursor: position } });
      return page.next === undefined ? page : { ...page, next: await cursors.seal(key, page.next) };
    };
    return [name, answer];
  });
  // Each entry has the signature of the one that it stands for.
  return Object.fromEntries(signed) as OperatorsApi;
}

function listKey(name: string, { path, query }: ListCall): string {
  const filter = Object.entries(query).filter(
    ([key, value]) => key !== 'cursor' && key !== 'limit' && value !== undefined,
  );
  return JSON.stringify([name, Object.entries(path).sort(), filter.sort()]);
}
