import { createHash } from 'node:crypto';
import { build } from 'esbuild';

/**
 * Digest of programs with all that they import: it tells whether they would still make the same bytes. Comments and layout
 * do not count.
 *
 * @param entries paths; a file that is only started as a thread is an entry of its own
 * @throws Error when one cannot be bundled
 */
export async function fingerprintOf(...entries: readonly string[]): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [...entries],
    outdir: 'never-written',
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  });
  const hash = createHash('sha256');
  for (const { contents } of outputFiles) hash.update(contents);
  return hash.digest('hex');
}
