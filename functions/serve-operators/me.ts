import type { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { Implementation } from '#shared/lambda/api-handler.ts';
import type { Person } from './person.ts';

/** Who is asking, as the access token says it. */
export const me: Pick<Implementation<typeof operatorEndpoints, Person>, 'getMe'> = {
  getMe: async ({ caller: { subject, name, role } }) => ({ version: 1, subject, name, role }),
};
