import { type LogInOptions, logIn, type Tokens } from '../identity/login.ts';

/** Somebody who stays logged in. */
export interface Session {
  /** Of the first login. */
  readonly tokens: Tokens;
  /** An access token that is good for now. */
  readonly accessToken: () => Promise<string>;
}

/** A token that ends within this time is not used any more. */
const marginMilliseconds = 60_000;

/** Logs in, and again whenever the token ends: a demonstration may stay up for days. */
export async function openSession(options: LogInOptions, now: () => number): Promise<Session> {
  const first = await logIn(options);
  let current = Promise.resolve(first);
  return {
    tokens: first,
    async accessToken() {
      const before = current;
      const { accessToken, expiresAt } = await before;
      if (Date.parse(expiresAt) - now() > marginMilliseconds) return accessToken;
      // Of several calls at the same time one logs in; the others wait for it.
      if (current === before) {
        current = logIn(options);
        current.catch(() => {
          current = before;
        });
      }
      return (await current).accessToken;
    },
  };
}
