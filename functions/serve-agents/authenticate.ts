import { calculateJwkThumbprint, importJWK } from 'jose';
import { enrolmentAudience, proofAlgorithm } from '#shared/contract/agent/identity.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Incoming } from '#shared/lambda/api-handler.ts';
import type { HostStore } from '#shared/stores/hosts/port.ts';
import { type AllowanceRate, takeOne } from './allowance.ts';
import { noteClone } from './clones.ts';
import type { AgentCaller, AgentPorts, HostCaller, Newcomer } from './ports.ts';
import { type Proof, readProof, verifyProof } from './proof.ts';

export interface AuthenticationOptions extends Pick<AgentPorts, 'events' | 'audience' | 'now'> {
  readonly hosts: Pick<HostStore, 'find' | 'ownerOf' | 'noteClone'>;
  readonly rate: AllowanceRate;
}

/**
 * Decides which host calls. It reads one row and writes nothing, so a request that is refused costs no more than that;
 * what a request that is let in leaves on the row is written by whoever answers it.
 *
 * @returns a check that throws ProblemError `unauthenticated`, `clock-skew`, `revoked`, `cloned`, `replayed`, `throttled`
 */
export function agentAuthentication(options: AuthenticationOptions): (incoming: Incoming) => Promise<AgentCaller> {
  return async (incoming) => {
    const { access } = incoming.endpoint;
    if (access !== 'host' && access !== 'enrolment-token')
      throw new ProblemError('forbidden', `${incoming.method} ${incoming.path} is not for hosts`);
    const proof = readProof(incoming);
    return access === 'host' ? hostOf(options, incoming, proof) : newcomerOf(options, incoming, proof);
  };
}

async function hostOf(options: AuthenticationOptions, incoming: Incoming, proof: Proof): Promise<HostCaller> {
  const { hosts, audience, rate } = options;
  const { sub, iss, seq } = proof.claims;
  const record = await hosts.find(sub);
  if (record?.thumbprint !== iss) throw await strangerOf(options, incoming, proof);
  const now = options.now();
  await verifyProof(proof, record.publicKey, { incoming, audience, now });
  if (record.revokedAt !== undefined)
    throw new ProblemError('revoked', `the key of ${sub} was revoked at ${record.revokedAt}`);
  if (seq <= record.sequence)
    throw new ProblemError('replayed', `sequence number ${seq} was used; the last one is ${record.sequence}`, {
      more: { lastSequence: record.sequence },
    });
  const taken = takeOne(record.allowance, rate, now.getTime());
  if ('retryAfterSeconds' in taken)
    throw new ProblemError('throttled', `${sub} made too many requests; ${rate.perMinute} per minute are allowed`, {
      more: { retryAfterSeconds: taken.retryAfterSeconds },
    });
  const { allowance } = taken;
  const seen = { thumbprint: iss, sequence: seq, after: record.sequence, at: now.toISOString(), allowance };
  return { kind: 'host', record, seen };
}

/** Why a key that is not the machine's is refused. When it is another machine's, a disk image was copied. */
async function strangerOf(options: AuthenticationOptions, incoming: Incoming, proof: Proof): Promise<ProblemError> {
  const { sub, iss } = proof.claims;
  const owner = await options.hosts.ownerOf(iss);
  const record = owner === undefined || owner === sub ? undefined : await options.hosts.find(owner);
  if (record?.thumbprint !== iss)
    return new ProblemError('unauthenticated', `this key is not enrolled for ${sub}, or not any more`);
  // Nobody but who has the key may say so.
  const now = options.now();
  await verifyProof(proof, record.publicKey, { incoming, audience: options.audience, now });
  return noteClone(options, { owner: record, clone: sub, at: now.toISOString() });
}

function newcomerOf({ now }: AuthenticationOptions, incoming: Incoming, proof: Proof): Newcomer {
  return {
    kind: 'newcomer',
    async prove(publicKey) {
      const thumbprint = await calculateJwkThumbprint({ ...publicKey });
      if (thumbprint !== proof.claims.iss)
        throw new ProblemError('unauthenticated', `the proof is by the key ${proof.claims.iss}, not by the one sent`);
      try {
        await importJWK({ ...publicKey }, proofAlgorithm);
      } catch (cause) {
        throw new ProblemError('bad-request', 'publicKey is not a point on P-256', { cause });
      }
      await verifyProof(proof, publicKey, { incoming, audience: enrolmentAudience, now: now() });
      return proof.claims;
    },
  };
}
