import type { InvocationResult } from '#local/types.ts';

/** What became of one invocation; payloads are JSON texts, as they go over the wire. */
export type Outcome =
  | { readonly ok: true; readonly payload: string }
  | {
      readonly ok: false;
      readonly kind: 'function-error' | 'timeout' | 'crashed';
      readonly message: string;
      /** The error document that Lambda answers with. */
      readonly payload: string;
    };

export const failure = (
  kind: Exclude<Outcome, { ok: true }>['kind'],
  message: string,
  payload: string = JSON.stringify({ errorMessage: message }),
): Outcome => ({ ok: false, kind, message, payload });

/** The same for callers within this process. */
export const toResult = (outcome: Outcome): InvocationResult =>
  outcome.ok
    ? { ok: true, payload: JSON.parse(outcome.payload) }
    : { ok: false, kind: outcome.kind, error: outcome.message };
