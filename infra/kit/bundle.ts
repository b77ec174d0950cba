import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { defaultBundleDir, functionsDir as ownFunctionsDir } from './paths.ts';

export interface BundleOptions {
  /**
   * Folder with one folder per function, each with its handler.ts.
   *
   * @default - functions/ of this project
   */
  readonly functionsDir?: string;
  /**
   * Gets one folder per function, with index.mjs and index.mjs.map; what was in it is deleted.
   *
   * @default - dist/functions of this project
   */
  readonly outDir?: string;
}

export interface Bundle {
  /** Names of the functions, sorted. */
  readonly functions: readonly string[];
  readonly outDir: string;
  /** What esbuild read for which output; the test of the import rules walks it. */
  readonly metafile: Metafile;
}

/** A function's folder that cannot be bundled. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly code: 'no-functions' | 'no-handler';
  constructor(code: BundleError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Bundles every function's handler.ts with all that it imports, the AWS SDK too (so that what was tested is what
 * runs), into one ES module. The same sources give the same bytes whatever the output folder is: an asset's hash only
 * changes with the code.
 *
 * @throws BundleError when a function has no handler; esbuild's BuildFailure when the code does not build
 */
export async function bundleFunctions(options: BundleOptions = {}): Promise<Bundle> {
  const functionsDir = options.functionsDir ?? ownFunctionsDir;
  const outDir = options.outDir ?? defaultBundleDir;
  const functions = await functionNames(functionsDir);

  // Paths in a source map are relative to the output. With a fixed output folder that is never written, they do not
  // depend on where the bytes are really going.
  const nominalOutDir = join(functionsDir, '../dist/functions');
  const result = await build({
    absWorkingDir: dirname(functionsDir),
    entryPoints: functions.map((name) => ({ in: join(functionsDir, name, 'handler.ts'), out: `${name}/index` })),
    outdir: nominalOutDir,
    outExtension: { '.js': '.mjs' },
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    // Node prints the source line of an uncaught error before the error itself: a line of a megabyte would hide it.
    lineLimit: 1000,
    // Errors are told apart by name in logs; minified names would change with every build.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // CommonJS packages inside an ES module still call require for Node's own modules.
    banner: {
      js: "import { createRequire as bannerCreateRequire } from 'node:module'; const require = bannerCreateRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });

  await rm(outDir, { recursive: true, force: true });
  for (const file of result.outputFiles) {
    const path = join(outDir, relative(nominalOutDir, file.path));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.contents);
  }
  return { functions, outDir, metafile: result.metafile };
}

/** Folders in `functionsDir`, sorted. @throws BundleError */
async function functionNames(functionsDir: string): Promise<readonly string[]> {
  const entries = await readdir(functionsDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  if (names.length === 0) throw new BundleError('no-functions', `no folder in ${functionsDir}`);
  const missing = names.filter((name) => !existsSync(join(functionsDir, name, 'handler.ts')));
  if (missing.length > 0) {
    throw new BundleError('no-handler', `no handler.ts in ${missing.map((name) => `functions/${name}`).join(', ')}`);
  }
  return names.sort();
}

if (import.meta.main) {
  const { functions, outDir, metafile } = await bundleFunctions();
  for (const name of functions) {
    const output = Object.entries(metafile.outputs).find(([path]) => path.endsWith(`${name}/index.mjs`));
    const kib = ((output?.[1].bytes ?? 0) / 1024).toFixed(0);
    process.stdout.write(`${name.padEnd(20)} ${kib.padStart(6)} KiB\n`);
  }
  process.stdout.write(`bundles are in ${relative(process.cwd(), outDir) || basename(outDir)}\n`);
}
