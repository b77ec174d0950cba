import type { CheckIn } from '#shared/contract/agent/check-in.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import type { AgentPorts, HostCaller } from './ports.ts';

/** Time after which a write that met too many others may be tried again. Seconds. */
const busySeconds = 5;

/**
 * A write that others are at, too. Only whoever sends many requests at once for one host, or enrols very many with one
 * token, comes to it; they are asked to come again.
 *
 * @throws ProblemError `throttled`
 */
export async function inTurn<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'conflict') throw error;
    const more = { retryAfterSeconds: busySeconds };
    throw new ProblemError('throttled', 'too many requests at once for one row', { cause: error, more });
  }
}

/** What a request leaves on the row of its host beside its sequence number. */
export interface Left {
  /** The host was scanned again at that time, and nothing has changed. */
  readonly scannedAt?: string | undefined;
  /** That was told by a report, and not by its hash alone. */
  readonly reportedAt?: string | undefined;
  readonly livelyUntil?: string | undefined;
  /** What it says that it received. */
  readonly received?: CheckIn['received'];
}

/**
 * Writes down that a request was let in. From here on the same request is refused.
 *
 * @throws ProblemError `replayed`, `revoked`, `unauthenticated` when another one, or a person, came first
 */
export async function writeDown(
  ports: Pick<AgentPorts, 'hosts'>,
  caller: HostCaller,
  { scannedAt, reportedAt, livelyUntil, received }: Left = {},
): Promise<void> {
  const { record, seen } = caller;
  const done = await inTurn(
    ports.hosts.seen(
      record.machineId,
      { ...seen, ...(livelyUntil !== undefined && { livelyUntil }), ...(received !== undefined && { received }) },
      scannedAt === undefined ? undefined : { scannedAt, ...(reportedAt !== undefined && { reportedAt }) },
    ),
  );
  if (!done) throw await overtaken(ports, caller);
}

/** Why a request that was let in could not be written down: the row was changed since it was read. */
export async function overtaken(
  { hosts }: Pick<AgentPorts, 'hosts'>,
  { record: { machineId }, seen }: HostCaller,
): Promise<ProblemError> {
  const now = await hosts.find(machineId);
  if (now?.thumbprint !== seen.thumbprint)
    return new ProblemError('unauthenticated', `the key of ${machineId} was replaced meanwhile`);
  if (now.revokedAt !== undefined)
    return new ProblemError('revoked', `the key of ${machineId} was revoked at ${now.revokedAt}`);
  return new ProblemError('replayed', `another request of ${machineId} came first, with number ${now.sequence}`, {
    more: { lastSequence: now.sequence },
  });
}
