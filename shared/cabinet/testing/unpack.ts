import { CabError, type CabMember, CabReader } from '../index.ts';

/** What came of reading a cabinet. */
export interface Unpacked {
  /** Members that were read to their end, by name, in the order of their ends. */
  readonly members: ReadonlyMap<string, Uint8Array>;
  /** Why the reading stopped; undefined when it went to the end. */
  readonly error: unknown;
}

/** Reads a cabinet in chunks of the given size and keeps the members that are wanted. */
export function unpack(
  cab: Uint8Array,
  chunkSize = 1 << 20,
  wants: (member: CabMember) => boolean = () => true,
): Unpacked {
  const members = new Map<string, Uint8Array>();
  const reader = new CabReader({
    onMember(member) {
      if (!wants(member)) return undefined;
      const chunks: Uint8Array[] = [];
      return {
        write: (chunk) => void chunks.push(Uint8Array.from(chunk)),
        end: () => void members.set(member.name, Buffer.concat(chunks)),
      };
    },
  });
  try {
    for (let at = 0; at < cab.length; at += chunkSize) reader.write(cab.subarray(at, at + chunkSize));
    reader.end();
  } catch (error) {
    return { members, error };
  }
  return { members, error: undefined };
}

/** Error that a call throws, which must be a {@link CabError}. */
export function cabErrorOf(call: () => unknown): CabError {
  try {
    call();
  } catch (error) {
    if (error instanceof CabError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
