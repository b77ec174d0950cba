import { createHash } from 'node:crypto';
import { type Enrolment, type EnrolmentAnswer, splitToken } from '#shared/contract/agent/enrolment.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { clonedProblem, tellOfClone } from './clones.ts';
import type { AgentPorts, Newcomer } from './ports.ts';
import { type CallOrigin, recordedEnrolment } from './recorded-enrolment.ts';
import { inTurn } from './turn.ts';

/**
 * Lets a host in: it holds a token, and a key that it proves to have. The token pins its group. Repeating it gives the
 * same answer and spends nothing.
 */
export async function enrol(
  ports: AgentPorts,
  request: Enrolment,
  newcomer: Newcomer,
  call: CallOrigin,
): Promise<EnrolmentAnswer> {
  const { host, publicKey } = request;
  const claims = await newcomer.prove(publicKey);
  if (claims.sub !== host.machineId)
    throw new ProblemError('bad-request', `the proof is of ${claims.sub}, and host.machineId is ${host.machineId}`);
  const token = splitToken(request.token);
  if (token === undefined) throw new ProblemError('bad-request', 'token is not an enrolment token');

  const at = ports.now().toISOString();
  const enrolled = await recordedEnrolment(ports, call, (beforeWrite) =>
    inTurn(
      ports.hosts.enrol({
        host,
        publicKey,
        thumbprint: claims.iss,
        tokenId: token.tokenId,
        secretSha256: createHash('sha256').update(token.secret).digest('hex'),
        sequence: claims.seq,
        at,
        beforeWrite,
      }),
    ),
  );
  switch (enrolled.outcome) {
    case 'enrolled':
    case 'already': {
      const { group, enrolledAt, revokedAt } = enrolled.record;
      if (revokedAt !== undefined)
        throw new ProblemError('revoked', `the key of ${host.machineId} was revoked at ${revokedAt}`);
      return {
        version: 1,
        group,
        audience: ports.audience,
        repositoryUrl: ports.repositoryUrl,
        enrolledAt,
      };
    }
    case 'cloned':
      if (enrolled.noted) await tellOfClone(ports.events, { machineId: enrolled.owner, clone: host.machineId, at });
      throw clonedProblem(enrolled.owner, host.machineId);
    case 'taken':
      throw new ProblemError(
        'conflict',
        `${host.machineId} is enrolled with another key; a token made with "replace" may give it a new one`,
      );
    case 'bad-token':
      throw new ProblemError('unauthenticated', enrolled.reason);
  }
}
