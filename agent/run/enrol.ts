import * as z from 'zod/mini';
import { splitToken } from '#shared/contract/agent/enrolment.ts';
import { enrolmentAudience } from '#shared/contract/agent/identity.ts';
import { type HostFacts, hostFacts } from '#shared/contract/agent/report.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Registration } from '../ports/broker.ts';
import type { Documents } from '../ports/documents.ts';
import type { HostKey, KeyStore, SequenceNumbers } from '../ports/identity.ts';
import type { IdentityDocument } from './documents.ts';
import { countFromOne, openSequence, readIdentity } from './identity.ts';

export interface EnrolParts {
  /** Address of the broker's API. */
  readonly server: string;
  readonly token: string;
  /** Make another key, also when this machine has one. */
  readonly newKey: boolean;
  readonly host: HostFacts;
  readonly keys: KeyStore;
  readonly documents: Documents;
  /** Enrolment at the broker, proved with this key. */
  readonly registration: (key: HostKey, audience: string, sequence: SequenceNumbers) => Registration;
  readonly signal?: AbortSignal;
}

export interface Enrolled {
  readonly identity: IdentityDocument;
  /** False: the host had this key and this enrolment already. */
  readonly changed: boolean;
}

/**
 * Enrols this machine with a token. What was done can be repeated at any time: a machine that has its key enrols with it
 * again, which spends nothing; a key whose enrolment was cut off is used again; and the new enrolment is written whole
 * before any older key is removed. A key that belongs to another machine, because a disk image was copied, is given up for
 * a new one. Stored rules stay where they are: those that are not of the new enrolment do not count (rules.ts).
 *
 * @throws AgentError `bad-config` for a text that is no token, `refused` for a token that is no good, `taken`, `revoked`
 */
export async function enrol(parts: EnrolParts): Promise<Enrolled> {
  const { documents, keys, server, token, signal } = parts;
  const parsed = splitToken(token);
  if (parsed === undefined) {
    throw new AgentError(
      'bad-config',
      'this is no enrolment token: allowed is kbt1_ID_SECRET, and after it _ROOT_GROUP, as "kbroker tokens create" printed it',
    );
  }
  const host = z.parse(hostFacts, parts.host);
  const before = await readIdentity(documents);
  const mine = before?.machineId === host.machineId && !parts.newKey ? before : undefined;
  const known = mine && (await keys.open(mine.thumbprint));
  const counted = countFromOne();
  const attempt = async (key: HostKey) => {
    const sequence = key === known ? openSequence(documents) : counted;
    const registration = parts.registration(key, enrolmentAudience, sequence);
    const answer = await registration.enrol({ version: 1, token, publicKey: key.publicKey, host }, signal);
    return { key, answer };
  };
  const { key, answer } = await attempt(known ?? (await unfinished(parts, before)) ?? (await keys.create())).catch(
    async (error: unknown) => {
      if (!(error instanceof AgentError) || error.code !== 'cloned') throw error;
      return attempt(await keys.create());
    },
  );
  const sequence = key === known ? ((await readIdentity(documents))?.sequence ?? 0) : counted.given;
  // A token without a root takes nothing away from a host that knows one.
  const pinned = before?.audience === answer.audience ? before.rootSha256 : undefined;
  const rootSha256 = parsed.rootSha256 ?? pinned;
  // Whoever goes on under the same administrators stays in the group that they put the host into.
  const kept = rootSha256 !== undefined && rootSha256 === before?.rootSha256 ? before.group : undefined;
  const identity: IdentityDocument = {
    version: 1,
    server,
    audience: answer.audience,
    // What an administrator put into a token counts, and not what the broker says.
    group: parsed.group ?? kept ?? answer.group,
    repositoryUrl: answer.repositoryUrl,
    machineId: host.machineId,
    thumbprint: key.thumbprint,
    enrolledAt: answer.enrolledAt,
    ...(rootSha256 !== undefined && { rootSha256 }),
    sequence,
  };
  await documents.write('identity', identity);
  for (const other of await keys.list()) if (other !== key.thumbprint) await keys.remove(other);
  return { identity, changed: key !== known };
}

/** A key that was made for an enrolment that did not come to its end. */
async function unfinished(
  { keys, newKey }: EnrolParts,
  before: IdentityDocument | undefined,
): Promise<HostKey | undefined> {
  for (const thumbprint of await keys.list()) {
    if (thumbprint === before?.thumbprint) continue;
    try {
      return await keys.open(thumbprint);
    } catch (error) {
      // Whoever asks for a new key does so because of one that is no good.
      if (!newKey || !(error instanceof AgentError) || error.code !== 'bad-key') throw error;
    }
  }
  return undefined;
}
