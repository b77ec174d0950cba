/** `npm run build:wasm`: compiles the AssemblyScript sources of the decoders into `wasm/binary.ts`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const cabinet = resolve(import.meta.dirname, '..');
const compiler = resolve(cabinet, '../../node_modules/assemblyscript/bin/asc.js');
const lineLength = 100;

/** Compiles the module; the same sources and the same version of the compiler give the same bytes. */
export async function compileWasm(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'cabinet-wasm-'));
  const output = join(folder, 'cabinet.wasm');
  const options = ['--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
  try {
    // The sources are named relative to here, so that no path of this machine gets into the module.
    const args = [compiler, 'wasm/assembly/index.ts', '--outFile', output, ...options];
    await promisify(execFile)(process.execPath, args, { cwd: cabinet });
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const wasm = await compileWasm();
  const base64 = Buffer.from(wasm).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? [];
  const source = `/** Made by \`npm run build:wasm\` from \`assembly/\`; a test compares. ${wasm.length} bytes of WebAssembly, as base64. */
export const wasmBase64 = \`
${lines.join('\n')}
\`;
`;
  await writeFile(join(cabinet, 'wasm/binary.ts'), source);
  console.log(`${wasm.length} bytes of WebAssembly`);
}
