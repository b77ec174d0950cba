import { type BaseBlock, Constructed, fromBER } from 'asn1js';
import { AuthenticodeError } from './error.ts';

/**
 * The first value of these bytes. asn1js bounds depth (100) and number (10,000) of what is inside.
 * @param what the bytes are, for the message
 * @throws AuthenticodeError `malformed`
 */
export function readAsn1(bytes: Uint8Array, what: string): { readonly block: BaseBlock; readonly length: number } {
  const malformed = (why: string, cause?: unknown): AuthenticodeError =>
    new AuthenticodeError('malformed', `${what} is not ASN.1: ${why}`, { cause });
  try {
    const { offset, result } = fromBER(new Uint8Array(bytes));
    if (offset === -1) throw malformed(result.error);
    return { block: result, length: offset };
  } catch (error) {
    if (error instanceof AuthenticodeError) throw error;
    // Times that are none are thrown, and not returned like other faults.
    throw malformed(error instanceof Error ? error.message : String(error), error);
  }
}

/** All bytes of a value, as they stood in the input. */
export const encoded = (block: BaseBlock): Buffer => Buffer.from(block.valueBeforeDecodeView);

/**
 * The bytes of a value without tag and length.
 * @throws AuthenticodeError `malformed` when its length is left open, which DER forbids
 */
export function content(block: BaseBlock, what: string): Buffer {
  if (block.lenBlock.isIndefiniteForm) throw new AuthenticodeError('malformed', `${what} has an open length`);
  return encoded(block).subarray(block.idBlock.blockLength + block.lenBlock.blockLength);
}

/** What a constructed value holds; nothing in others. */
export const parts = (block: BaseBlock | undefined): readonly BaseBlock[] =>
  block instanceof Constructed ? block.valueBlock.value : [];

/** Whether a value has this context-specific tag. */
export const isTagged = (block: BaseBlock | undefined, tag: number): boolean =>
  block?.idBlock.tagClass === 3 && block.idBlock.tagNumber === tag;
