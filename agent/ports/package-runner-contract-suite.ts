import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Detection, PackageManifest } from '#shared/core/packages/model.ts';
import type { PackageRunner, RunnableFile } from './package-runner.ts';

/** A machine for the suite: 64 bits, edition Professional; the package `failing` ends with 1603, and `endless` runs too long. */
export interface PackageRunnerUnderTest {
  readonly name: string;
  /** Makes the machine; called once for each test. */
  prepare(folder: string): Promise<void>;
  /** The adapter on that machine; called again, it is as after a restart of the agent. */
  open(folder: string): PackageRunner;
  /** Restarts the machine. */
  restart(folder: string): Promise<void>;
  /** A fresh folder, and what removes it. */
  folder(): Promise<{ readonly path: string; remove(): Promise<void> }>;
}

const bytes = Buffer.from('a setup program');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const rules: readonly Detection[] = [
  { kind: 'hotfix', kb: '5000001' },
  { kind: 'registry', key: 'SOFTWARE\\Vendor', name: 'Version', atLeast: '1.2' },
  { kind: 'registry', key: 'SOFTWARE\\Vendor', name: 'State', equals: 'done' },
  { kind: 'file', path: 'C:\\Vendor\\tool.exe', atLeast: '3.1' },
  { kind: 'windows', atLeast: '10.0.99999' },
  { kind: 'command', program: 'check.exe', arguments: ['/q'], exitCodes: [0] },
];
const manifest = (changes: Partial<PackageManifest> = {}): PackageManifest => ({
  name: 'tool',
  packageVersion: '1',
  kind: 'command',
  title: 'Tool',
  files: [{ name: 'setup.exe', sha256, size: bytes.byteLength }],
  command: { program: '{file:setup.exe}', arguments: ['/s'] },
  detection: { kind: 'file', path: 'C:\\Vendor\\tool.exe' },
  prerequisites: {},
  exitCodes: { success: [0], restart: [3010], notNeeded: [] },
  reboot: 'can',
  timeoutSeconds: 1,
  publishedAt: '2026-01-01T00:00:00Z',
  ...changes,
});

/** What every adapter that runs packages must do, the simulated one as the one on Windows. */
export function packageRunnerContract(under: PackageRunnerUnderTest): void {
  describe(`packages, ${under.name}`, () => {
    let folder: { readonly path: string; remove(): Promise<void> };
    let files: readonly RunnableFile[];
    beforeEach(async () => {
      folder = await under.folder();
      await under.prepare(folder.path);
      const path = join(folder.path, 'setup.bin');
      await writeFile(path, bytes);
      files = [{ path, name: 'setup.exe', sha256, size: bytes.byteLength }];
    });
    afterEach(() => folder.remove());

    it('says what prerequisites ask about', async () => {
      expect(await under.open(folder.path).facts()).toMatchObject({
        architecture: 'amd64',
        windows: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        edition: 'Professional',
      });
    });

    it.each(rules)('what ran well is found, also after a restart of the agent: %j', async (detection) => {
      const runner = under.open(folder.path);
      expect(await runner.detect(detection)).toBe(false);
      expect(await runner.run(manifest({ detection }), files)).toEqual({ outcome: 'ended', exitCode: 0 });
      expect(await under.open(folder.path).detect(detection)).toBe(true);
    });

    it.each(rules)('what needs a restart is found after it: %j', async (detection) => {
      const runner = under.open(folder.path);
      const upgrade = manifest({ detection, reboot: 'always' });
      expect(await runner.run(upgrade, files)).toEqual({ outcome: 'ended', exitCode: 3010 });
      expect(await runner.detect(detection)).toBe(false);
      const before = Date.now();
      await under.restart(folder.path);
      expect(await runner.detect(detection)).toBe(true);
      expect(Date.parse((await runner.facts()).bootedAt ?? '')).toBeGreaterThanOrEqual(before - 1000);
    });

    it('tells how a command ended', async () => {
      const runner = under.open(folder.path);
      expect(await runner.run(manifest({ name: 'failing' }), files)).toEqual({ outcome: 'ended', exitCode: 1603 });
      expect(await runner.run(manifest({ name: 'endless' }), files)).toEqual({ outcome: 'timed-out' });
      expect(await runner.detect(manifest().detection)).toBe(false);
    });

    it('runs nothing when a file is missing or has other bytes', async () => {
      const runner = under.open(folder.path);
      expect(await runner.run(manifest(), [])).toMatchObject({ outcome: 'not-started', reason: /setup\.exe/ });
      const [file] = files;
      await writeFile(file?.path ?? '', 'another program');
      expect(await runner.run(manifest(), files)).toMatchObject({ outcome: 'not-started', reason: /SHA-256/ });
      expect(await runner.detect(manifest().detection)).toBe(false);
    });
  });
}
