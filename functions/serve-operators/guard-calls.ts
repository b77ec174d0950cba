import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Incoming } from '#shared/lambda/api-handler.ts';
import type { HttpResponse } from '#shared/lambda/http-event.ts';
import type { Attempt, IdempotencyStore } from '#shared/stores/idempotency/port.ts';
import type { ThrottleStore } from '#shared/stores/throttle/port.ts';
import type { Person } from './person.ts';
import { maxSealedBytes, openAnswer, requestIdOf, sealAnswer } from './sealed-answer.ts';

export interface GuardPorts {
  readonly throttle: ThrottleStore;
  readonly idempotency: IdempotencyStore;
  /** Requests that one person may make in a minute. */
  readonly requestsPerMinute: number;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Told of an answer that could not be kept or given up: the call has ended as it has, but a repetition may not see it. */
  readonly onLost: (message: string, error: unknown) => void;
}

type Guard = (incoming: Incoming, person: Person, call: () => Promise<HttpResponse>) => Promise<HttpResponse>;

const minute = 60_000;
/** Longer than the function may run, so that a try whose lease ended is dead. Milliseconds. */
const leaseMilliseconds = 60_000;
/** Most requests end within a second: whoever repeats one that is under way asks again so soon. */
const soonSeconds = 2;
/** How long an answer is kept. Milliseconds. */
const keepMilliseconds = 24 * 3600 * 1000;

const header = 'idempotency-key';
/** No text here names a key: refusals are logged, and with the key the answer that is kept could be read. */
const idempotencyKey = z.string().check(z.regex(/^[\x21-\x7e]{1,128}$/));

/**
 * Stands around each call of a person: counts it, and lets a change that comes again with the same idempotency key have the
 * first one's answer.
 */
export function guardCalls(ports: GuardPorts): Guard {
  return async (incoming, person, call) => {
    await refuseTooMany(ports, person);
    const key = incoming.headers[header];
    if (key === undefined || incoming.method === 'GET' || incoming.endpoint.safe === true) return call();
    if (!z.safeParse(idempotencyKey, key).success)
      throw new ProblemError(
        'bad-request',
        `${header}: must have 1 to 128 printable ASCII characters without spaces (got ${key.length} characters)`,
      );
    return once(ports, incoming, person, key, call);
  };
}

/** @throws ProblemError `throttled` */
async function refuseTooMany({ throttle, requestsPerMinute, now }: GuardPorts, person: Person): Promise<void> {
  const at = now().getTime();
  // A digest, because the length of a subject is the identity provider's choice.
  const who = createHash('sha256').update(person.subject).digest('hex');
  if ((await throttle.count(who, at)) <= requestsPerMinute) return;
  const retryAfterSeconds = Math.max(1, Math.ceil((minute - (at % minute)) / 1000));
  throw new ProblemError(
    'throttled',
    `${person.name} made more than ${requestsPerMinute} requests in this minute; there is room again in ${retryAfterSeconds} s`,
    { more: { retryAfterSeconds } },
  );
}

/** @throws ProblemError `idempotency-mismatch`, `conflict` while the first try is under way */
async function once(
  ports: GuardPorts,
  incoming: Incoming,
  person: Person,
  key: string,
  call: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const { idempotency, now } = ports;
  const scope = [person.subject, incoming.method, incoming.path];
  const at = now().getTime();
  const attempt: Attempt = {
    id: requestIdOf(scope, key),
    fingerprint: fingerprintOf(incoming),
    attempt: ports.newId(),
    at,
  };
  const standing = await idempotency.begin(attempt, at + leaseMilliseconds);
  switch (standing.state) {
    case 'mismatch':
      throw new ProblemError(
        'idempotency-mismatch',
        `this ${header} was used for another request to ${incoming.method} ${incoming.path}: use a new one`,
      );
    case 'under-way': {
      const retryAfterSeconds = Math.min(soonSeconds, Math.max(1, Math.ceil((standing.until - at) / 1000)));
      throw new ProblemError('conflict', `the request with this ${header} is still being carried out`, {
        more: { retryAfterSeconds },
      });
    }
    case 'answered': {
      const response = await openAnswer(standing.answer, scope, key);
      return { ...response, headers: { ...response.headers, 'idempotency-replayed': 'true' } };
    }
    case 'begun':
      return carriedOut(ports, attempt, call, (response) => sealAnswer(response, scope, key));
  }
}

async function carriedOut(
  { idempotency, now, onLost }: GuardPorts,
  attempt: Attempt,
  call: () => Promise<HttpResponse>,
  seal: (response: HttpResponse) => Promise<Uint8Array>,
): Promise<HttpResponse> {
  let response: HttpResponse;
  try {
    response = await call();
  } catch (error) {
    // What was refused or failed may be tried again, with the same key.
    await idempotency.abandon(attempt).catch((lost: unknown) => onLost('a failed request keeps its lease', lost));
    throw error;
  }
  // From here on it is done, whatever becomes of the note of it.
  try {
    const sealed = await seal(response);
    if (sealed.byteLength > maxSealedBytes) await idempotency.abandon(attempt);
    else await idempotency.finish(attempt, sealed, now().getTime() + keepMilliseconds);
  } catch (lost) {
    onLost('the answer of a request could not be kept', lost);
  }
  return response;
}

/** What the request asks, as sent: a repetition has the same bytes. */
function fingerprintOf({ method, path, headers, body }: Incoming): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, headers['content-encoding'] ?? '']))
    .update(body)
    .digest('hex');
}
