import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '#cli/main.ts';
import { withdrawnKb } from '#local/upstream/invent/world.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
});
afterAll(() => world?.close());

/** The command line, on this world's API. */
async function kbroker(...args: readonly string[]) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const file = join(world.folder, 'operator.json');
  await writeFile(file, JSON.stringify(await world.profileOf('operator')));
  const exitCode = await main(['--profile-file', file, ...args], {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: {},
  });
  return { exitCode, ...printed };
}

const listed = (kb: string) => world.call(operatorEndpoints.listUpdates, { query: { kb } });

describe('what operators learn of updates', () => {
  it('are the updates of a KB, and each with its files', async () => {
    const page = await listed(withdrawnKb);
    expect(page.updates.length).toBeGreaterThan(0);
    expect(page.total).toBe(page.updates.length);
    for (const { updateId } of page.updates) {
      const { update, files } = await world.call(operatorEndpoints.getUpdate, { params: { updateId } });
      expect(update.kbs).toContain(withdrawnKb);
      expect(update.classification?.title).toBeDefined();
      expect(files.length).toBeGreaterThan(0);
      expect(files.reduce((sum, { size = 0 }) => sum + size, 0)).toBe(update.bytes);
      for (const file of files)
        expect(file.url).toMatch(/^http:\/\/.*microsoft\.com|^http:\/\/download\.windowsupdate/);
    }
  });

  it('grows with the months: what was current is superseded, under the same identity', async () => {
    const before = (await listed('890830')).updates;
    const current = before.find(({ supersededBy }) => supersededBy === 0);
    if (current === undefined) throw new Error('nothing of KB890830 is current');
    await world.microsoft.publishNext();
    await world.run('SyncIndexFunction');
    const after = (await listed('890830')).updates;
    expect(after.length).toBe(before.length + 1);
    const { updateId } = current;
    const { update } = await world.call(operatorEndpoints.getUpdate, { params: { updateId } });
    expect(update.supersededBy.map((newer) => newer.updateId)).toEqual([after[0]?.updateId]);
  });

  it('is on the command line too', async () => {
    const { exitCode, stdout } = await kbroker('updates', 'list', '--kb', `KB${withdrawnKb}`, '--json');
    expect(exitCode).toBe(0);
    const [{ updateId, title }] = JSON.parse(stdout).updates;
    const shown = await kbroker('updates', 'show', updateId);
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toContain(title);
    expect(shown.stdout).toMatch(/SHA-1 [0-9a-f]{40}, SHA-256/);
    const missing = await kbroker('updates', 'show', '00000000-0000-4000-8000-000000000000');
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/no index named an update 0{8}-/) });
  });
});
