/** What signatures need of DER (ITU-T X.690) beside what certificates do. */

import { oid, sequence } from '../tls/der.ts';
import { type DigestName, digestIds } from './types.ts';

const tagged = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag, content.byteLength]), content]);

const nothing = (): Buffer => tagged(0x05, Buffer.alloc(0));

/** With milliseconds, as Microsoft's time stamps have it. */
export const generalizedTime = (date: Date): Buffer =>
  tagged(0x18, Buffer.from(date.toISOString().replace(/[-:T]/g, '')));

/** An AlgorithmIdentifier without parameters but NULL. */
export const algorithm = (id: string): Buffer => sequence(oid(id), nothing());
export const digestAlgorithm = (digest: DigestName): Buffer => algorithm(digestIds[digest]);
