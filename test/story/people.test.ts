import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io.ts';
import { main } from '#cli/main.ts';
import { operatorProfile } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { startWorld, type World } from './world.ts';

let folder: string;
let world: World;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-people-'));
  world = await startWorld({ folder });
});
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The command line of somebody who has only the address of the API. */
async function kbroker(...args: readonly string[]) {
  const printed = { stdout: '', stderr: '' };
  const exitCode = await main(['--api', world.output('ApiUrl'), ...args], {
    stdout: { write: (text: string) => (printed.stdout += text) },
    stderr: { write: (text: string) => (printed.stderr += text) },
    env: { XDG_CONFIG_HOME: join(folder, 'config') },
  });
  return { exitCode, ...printed };
}
const first = () => ['--issuer', world.output('Issuer'), '--client-id', world.output('ClientId')];

describe('a person', () => {
  it('logs in, does what the role allows and nothing else, and logs out', async () => {
    const before = await kbroker('rules', 'list');
    expect(before.stderr).toMatch(/nobody is logged in at .*: run "kbroker login"/);
    expect(before.exitCode).toBe(exitCodes.unreachable);

    expect((await kbroker('login', '--as', 'viewer', ...first())).stdout).toMatch(/ as Vera Viewer \(viewer\)\n$/);
    expect((await kbroker('rules', 'list')).exitCode).toBe(exitCodes.ok);
    const refused = await kbroker('rules', 'set', '--forbid-kb', '5000001', '--group', 'everyone');
    expect(refused.stderr).toMatch(/does not let us do this: Forbidden: Vera Viewer is viewer; .* needs administrator/);
    expect(refused.exitCode).toBe(exitCodes.unreachable);

    expect((await kbroker('login', '--as', 'administrator')).exitCode).toBe(exitCodes.ok);
    expect((await kbroker('rules', 'set', '--forbid-kb', '5000001', '--group', 'everyone')).exitCode).toBe(
      exitCodes.ok,
    );
    expect((await world.call(operatorEndpoints.getRules)).book).toMatchObject({
      packages: [{ name: 'default', wapt: { forbiddenKbs: ['5000001'] } }],
      assignments: { groups: { everyone: ['default'] } },
    });

    expect((await kbroker('logout')).exitCode).toBe(exitCodes.ok);
    expect((await kbroker('rules', 'list')).exitCode).toBe(exitCodes.unreachable);
  });

  it('stays logged in over a restart of the broker, by the same tokens', async () => {
    const file = join(folder, 'operator.json');
    const profile = await world.profileOf('operator');
    await writeFile(file, JSON.stringify(profile));
    await world.close();
    world = await startWorld({ folder });
    expect(world.output('Issuer')).toBe(profile.issuer);
    const show = () => kbroker('--profile-file', file, 'rules', 'list');
    expect((await show()).exitCode).toBe(exitCodes.ok);

    // As if the hour were over: the refresh token gets another one.
    const { tokens } = profile;
    if (tokens === undefined) throw new Error('no tokens');
    await writeFile(file, JSON.stringify({ ...profile, tokens: { ...tokens, expiresAt: new Date(0).toISOString() } }));
    expect((await show()).exitCode).toBe(exitCodes.ok);
    const renewed = operatorProfile.parse(JSON.parse(await readFile(file, 'utf8'))).tokens;
    expect(renewed?.accessToken).not.toBe(tokens.accessToken);
    expect(Date.parse(renewed?.expiresAt ?? '')).toBeGreaterThan(Date.now());
  });
});
