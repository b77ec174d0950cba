import { createReadStream } from 'node:fs';
import { type IndexWithRules, readIndexWithRules } from '#shared/index/read-rules.ts';
import type { IndexFile } from '../../ports/update-agent.ts';

/** From an index on the disk to its catalogue and rules. */
export type IndexDecoder = (index: IndexFile) => Promise<IndexWithRules>;

export const decodeIndexFile: IndexDecoder = ({ path }) =>
  readIndexWithRules(createReadStream(path, { highWaterMark: 1 << 20 }));

/**
 * Remembers the catalogues of the last indexes by their SHA-256, so that a fleet in one process decodes each once, also
 * when all its hosts ask at the same time. A failure is not remembered.
 *
 * @param keep catalogues to hold; decoded with its rules, a whole index takes some hundred MB
 */
export function rememberCatalogs(decode: IndexDecoder, keep = 2): IndexDecoder {
  const known = new Map<string, Promise<IndexWithRules>>();
  return (index) => {
    const found = known.get(index.sha256);
    if (found !== undefined) return found;
    const decoding = decode(index);
    known.set(index.sha256, decoding);
    decoding.catch(() => known.delete(index.sha256));
    for (const oldest of known.keys()) {
      if (known.size <= keep) break;
      known.delete(oldest);
    }
    return decoding;
  };
}
