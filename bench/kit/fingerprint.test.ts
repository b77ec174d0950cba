import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf } from './fingerprint.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fingerprint-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the fingerprint of a program', () => {
  it('changes with what the program imports, and not with comments', async () => {
    const entry = join(folder, 'entry.ts');
    writeFileSync(entry, "import { step } from './step.ts';\nconsole.log(step);\n");
    const withStep = (text: string): Promise<string> => {
      writeFileSync(join(folder, 'step.ts'), text);
      return fingerprintOf(entry);
    };
    const before = await withStep('export const step = 1;\n');
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(await withStep('/** Why. */\nexport const step: number = 1;\n')).toBe(before);
    expect(await withStep('export const step = 2;\n')).not.toBe(before);
  });

  it('is that of each entry', async () => {
    const [a, b] = [join(folder, 'a.ts'), join(folder, 'b.ts')];
    writeFileSync(a, 'console.log(1);');
    writeFileSync(b, 'console.log(2);');
    expect(await fingerprintOf(a, b)).not.toBe(await fingerprintOf(a));
  });

  it('says what is missing', async () => {
    await expect(fingerprintOf(resolve(folder, 'missing.ts'))).rejects.toThrow('missing.ts');
  });
});
