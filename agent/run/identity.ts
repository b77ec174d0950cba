import * as z from 'zod/mini';
import { AgentError } from '../ports/agent-error.ts';
import type { Documents } from '../ports/documents.ts';
import type { SequenceNumbers } from '../ports/identity.ts';
import { type IdentityDocument, identityDocument } from './documents.ts';

/** What the enrolment gave; undefined when there was none. */
export const readIdentity = (documents: Documents): Promise<IdentityDocument | undefined> =>
  documents.read('identity', (value) => z.parse(identityDocument, value));

/** @throws AgentError `not-enrolled` */
export async function identityOf(documents: Documents): Promise<IdentityDocument> {
  const identity = await readIdentity(documents);
  if (identity === undefined) {
    throw new AgentError('not-enrolled', 'this data folder has no enrolment: run kbroker-agent enroll with a token');
  }
  return identity;
}

/** Numbers that one write to the disk makes safe. */
const block = 64;

/**
 * Sequence numbers of an enrolled host. What may have been used is on the disk before a number is given, a block at a
 * time, so that a crash never gives one twice and most requests cost no write. Another process that took a block
 * meanwhile is noticed, and this one takes a later block.
 */
export function openSequence(documents: Documents): SequenceNumbers {
  let given = 0;
  let reserved = 0;
  const reserve = async (identity: IdentityDocument, after: number): Promise<void> => {
    await documents.write('identity', { ...identity, sequence: after + block });
    given = after;
    reserved = after + block;
  };
  return {
    async next() {
      const identity = await identityOf(documents);
      if (given >= reserved || identity.sequence !== reserved) await reserve(identity, identity.sequence);
      given += 1;
      return given;
    },
    async goOnAfter(last) {
      const identity = await identityOf(documents);
      await reserve(identity, Math.max(last, identity.sequence));
    },
  };
}

/** Sequence numbers of a host that is about to enrol, from 1 on. */
export function countFromOne(): SequenceNumbers & { readonly given: number } {
  let given = 0;
  return {
    get given() {
      return given;
    },
    next() {
      given += 1;
      return Promise.resolve(given);
    },
    goOnAfter(last) {
      given = Math.max(last, given);
      return Promise.resolve();
    },
  };
}
