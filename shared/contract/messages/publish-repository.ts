import * as z from 'zod/mini';
import { customDocument } from '../packages.ts';
import { signedDocument } from '../trust.ts';

/**
 * What the one publisher of the repository is told, through a FIFO queue with one message group. It reads what else it needs
 * by itself, and a message that comes again changes nothing.
 */
export const publishRepositoryMessage = z.discriminatedUnion('kind', [
  /** Metadata that administrators signed: new keys, new delegations, other roles of theirs. */
  z.object({
    version: z.literal(1),
    kind: z.literal('documents'),
    documents: z.array(signedDocument),
    /** Of the role `custom`, where that is new; see `trustChange`. */
    contents: z.exactOptional(z.array(customDocument)),
  }),
  /** The stored rules may be newer than the published ones. */
  z.object({ version: z.literal(1), kind: z.literal('rules') }),
  /** Index, held files or what hosts need may have changed; what grows old is signed again. */
  z.object({ version: z.literal(1), kind: z.literal('feed') }),
]);
export type PublishRepositoryMessage = z.infer<typeof publishRepositoryMessage>;

/** The one message group: its messages are delivered one after the other. */
export const publishMessageGroup = 'repository';
