import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BundleError, bundleFunctions } from './bundle.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kbroker-bundle-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(join(dir, path, '..'), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const contents = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(root.length + 1), readFileSync(path, 'latin1')];
      }),
  );

describe('bundleFunctions', () => {
  beforeEach(() => {
    write(
      'shared/answer.ts',
      "import { basename } from 'node:path';\nexport const answer = (p: string) => basename(p);\n",
    );
    // A CommonJS package that calls require for a module of Node, as some dependencies do.
    write('functions/tell-name/legacy.cjs', "module.exports = () => require('node:os').EOL;\n");
    write(
      'functions/tell-name/handler.ts',
      "import { answer } from '../../shared/answer.ts';\nimport eol from './legacy.cjs';\n" +
        'export const handler = async (event: { path: string }) => answer(event.path) + eol();\n',
    );
    write('functions/fail-loudly/handler.ts', 'export const handler = () => { throw new Error("loud"); };\n');
  });

  test('makes one module per function that runs as it is', async () => {
    const outDir = join(dir, 'dist/functions');
    const { functions } = await bundleFunctions({ functionsDir: join(dir, 'functions'), outDir });
    expect(functions).toEqual(['fail-loudly', 'tell-name']);
    const { handler } = await import(pathToFileURL(join(outDir, 'tell-name/index.mjs')).href);
    expect(await handler({ path: '/a/b' })).toBe('b\n');
  });

  test('makes the same bytes wherever they go', async () => {
    const functionsDir = join(dir, 'functions');
    await bundleFunctions({ functionsDir, outDir: join(dir, 'one') });
    await bundleFunctions({ functionsDir, outDir: join(dir, 'far/away/two') });
    const one = contents(join(dir, 'one'));
    expect(Object.keys(one).sort()).toEqual([
      'fail-loudly/index.mjs',
      'fail-loudly/index.mjs.map',
      'tell-name/index.mjs',
      'tell-name/index.mjs.map',
    ]);
    expect(contents(join(dir, 'far/away/two'))).toEqual(one);
  });

  test('writes no path of this machine', async () => {
    await bundleFunctions({ functionsDir: join(dir, 'functions'), outDir: join(dir, 'out') });
    for (const [path, text] of Object.entries(contents(join(dir, 'out')))) expect(text, path).not.toContain(dir);
  });

  test('forgets what an older build left', async () => {
    write('out/dropped-function/index.mjs', 'export {};\n');
    await bundleFunctions({ functionsDir: join(dir, 'functions'), outDir: join(dir, 'out') });
    expect(readdirSync(join(dir, 'out'))).not.toContain('dropped-function');
  });

  test('says which file of which function is in which bundle', async () => {
    const { metafile } = await bundleFunctions({ functionsDir: join(dir, 'functions'), outDir: join(dir, 'out') });
    expect(Object.keys(metafile.inputs)).toContain('shared/answer.ts');
    const output = metafile.outputs['dist/functions/tell-name/index.mjs'];
    expect(output?.entryPoint).toBe('functions/tell-name/handler.ts');
    expect(output?.exports).toEqual(['handler']);
  });

  test('names the functions without a handler', async () => {
    write('functions/half-done/env.ts', 'export {};\n');
    const bundling = bundleFunctions({ functionsDir: join(dir, 'functions'), outDir: join(dir, 'out') });
    await expect(bundling).rejects.toThrow(new BundleError('no-handler', 'no handler.ts in functions/half-done'));
  });

  test('fails when the code does not build', async () => {
    write('functions/broken/handler.ts', "export { nothing } from './missing.ts';\n");
    const bundling = bundleFunctions({ functionsDir: join(dir, 'functions'), outDir: join(dir, 'out') });
    await expect(bundling).rejects.toThrow(/missing\.ts/);
  });
});
