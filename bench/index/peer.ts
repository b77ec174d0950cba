import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchContext } from '../kit/bench.ts';

/**
 * Builds the program in C that does the same work.
 *
 * @returns its path
 * @throws Error when it cannot be built, with the packages that it needs
 */
export async function buildPeer({ cacheFolder }: Pick<BenchContext, 'cacheFolder'>): Promise<string> {
  const program = join(cacheFolder, 'index-peer');
  const source = join(import.meta.dirname, '../peers/index-peer.c');
  try {
    await promisify(execFile)('gcc', ['-O2', '-o', program, source, '-lmspack', '-lexpat']);
  } catch (cause) {
    throw new Error(`${source} cannot be built (Debian: gcc libc6-dev libmspack-dev libexpat1-dev)`, { cause });
  }
  return program;
}
