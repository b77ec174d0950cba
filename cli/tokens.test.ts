import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { logIn } from '#local/identity/login.ts';
import { startProvider, type TestProvider } from '#local/identity/testing/start.ts';
import { type OperatorProfile, operatorProfile } from '#shared/contract/login.ts';
import { writeProfile } from './profile.ts';
import { profileTokens } from './tokens.ts';

const apiUrl = 'https://api.example.org';
const now = (): Date => new Date();

let provider: TestProvider;
let folder: string;
let file: string;
beforeEach(async () => {
  provider = await startProvider();
  folder = await mkdtemp(join(tmpdir(), 'kbroker-tokens-'));
  file = join(folder, 'profile.json');
});
afterEach(async () => {
  await provider[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function profileOf(changes: Partial<NonNullable<OperatorProfile['tokens']>> = {}): Promise<OperatorProfile> {
  const { issuer, clientId } = provider;
  const tokens = { ...(await logIn({ issuer, clientId, username: 'operator' })), ...changes };
  const profile: OperatorProfile = { version: 2, apiUrl, issuer, clientId, tokens };
  await writeProfile(file, profile);
  return profile;
}
const stored = async (): Promise<OperatorProfile> => operatorProfile.parse(JSON.parse(await readFile(file, 'utf8')));
const ended = new Date(0).toISOString();

it('a token that is good is used as it is', async () => {
  const profile = await profileOf();
  await provider.stop();
  expect(await profileTokens({ file, profile }, now)()).toBe(profile.tokens?.accessToken);
});

it('a token that has ended is exchanged, and the new one kept for its owner alone', async () => {
  const profile = await profileOf({ expiresAt: ended });
  const tokens = profileTokens({ file, profile }, now);
  const token = await tokens();
  expect(token).not.toBe(profile.tokens?.accessToken);
  expect(await stored()).toMatchObject({
    issuer: provider.issuer,
    tokens: { accessToken: token, refreshToken: profile.tokens?.refreshToken },
  });
  expect((await stat(file)).mode & 0o077).toBe(0);
  await provider.stop();
  expect(await tokens()).toBe(token);
});

it('a token that the broker refused is exchanged, however long it is good', async () => {
  const profile = await profileOf();
  const tokens = profileTokens({ file, profile }, now);
  const before = await tokens();
  expect(await tokens(before)).not.toBe(before);
});

it('what another command has got in the meantime is used', async () => {
  const profile = await profileOf({ expiresAt: ended });
  const tokens = profileTokens({ file, profile }, now);
  const theirs = { ...profile, tokens: { accessToken: 'theirs', expiresAt: '2999-01-01T00:00:00.000Z' } };
  await writeProfile(file, theirs);
  await provider.stop();
  expect(await tokens()).toBe('theirs');
});

it.each([
  ['was revoked', { expiresAt: ended, refreshToken: 'revoked' }, /^the login ended \(grant request is invalid\) at /],
  ['is not there', { expiresAt: ended, refreshToken: undefined }, /^the login ended at https:\/\/api\.example\.org: /],
])('when the refresh token %s one has to log in again', async (_what, changes, words) => {
  const profile = await profileOf();
  const { refreshToken, ...others } = { ...profile.tokens, ...changes };
  const tokens = { accessToken: 'old', ...others, ...(refreshToken !== undefined && { refreshToken }) };
  await writeProfile(file, { ...profile, tokens });
  await expect(profileTokens({ file, profile: { ...profile, tokens } }, now)()).rejects.toMatchObject({
    code: 'unauthenticated',
    exitCode: 3,
    message: expect.stringMatching(words),
  });
});

it('a provider that does not answer is told as such', async () => {
  const profile = await profileOf({ expiresAt: ended });
  await provider.stop();
  await expect(profileTokens({ file, profile }, now)()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining(provider.issuer),
  });
});
