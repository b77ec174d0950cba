import * as z from 'zod/mini';
import { type RepositoryCookies, repositoryCookies } from '#shared/contract/agent/check-in.ts';
import type { Documents } from '../ports/documents.ts';

/** Cookies that open the repository. They are as good as a key to it, and so only lie in a document of the owner's. */
export interface CookieJar {
  get(): Promise<RepositoryCookies | undefined>;
  put(cookies: RepositoryCookies): Promise<void>;
}

const cookiesDocument = z.extend(repositoryCookies, { version: z.literal(1) });

export function openCookieJar(documents: Documents): CookieJar {
  return {
    get: () => documents.read('cookies', (value) => z.parse(cookiesDocument, value)),
    put: (cookies) => documents.write('cookies', { version: 1, ...cookies }),
  };
}
