import { describe, expect, it } from 'vitest';
import { agentAuthentication } from './authenticate.ts';

const secret = 'a secret that all agents share';
const wrong = { authorization: `Bearer ${'x'.repeat(30)}` };
const unauthenticated = { name: 'ProblemError', code: 'unauthenticated' };

function make(read: () => string = () => secret) {
  const state = { reads: 0, now: 0 };
  const check = agentAuthentication({
    readSecret: async () => {
      state.reads += 1;
      return read();
    },
    now: () => state.now,
    keepMilliseconds: 1000,
    recheckMilliseconds: 100,
  });
  return { state, check };
}

describe('an agent', () => {
  const spaceless = secret.replaceAll(' ', '-');
  const right = { authorization: `Bearer ${spaceless}` };

  it('is one who knows the secret, whatever the case of the scheme', async () => {
    const { check } = make(() => spaceless);
    await check(right);
    await check({ authorization: `bearer ${spaceless}` });
  });

  it.each([
    ['nothing', {}],
    ['an empty header', { authorization: '' }],
    ['another scheme', { authorization: `Basic ${spaceless}` }],
    ['the secret alone', { authorization: spaceless }],
    ['a part of the secret', { authorization: `Bearer ${spaceless.slice(0, -1)}` }],
    ['more than the secret', { authorization: `Bearer ${spaceless}x` }],
    ['no token', { authorization: 'Bearer ' }],
    ['two tokens', { authorization: `Bearer ${spaceless} ${spaceless}` }],
    ['a token without end', { authorization: `Bearer ${'x'.repeat(10_000)}` }],
  ])('is not one who sends %s', async (_what, headers) => {
    await expect(make(() => spaceless).check(headers)).rejects.toMatchObject(unauthenticated);
  });

  it('costs one read of the secret for some time', async () => {
    const { check, state } = make(() => spaceless);
    await check(right);
    state.now = 999;
    await check(right);
    expect(state.reads).toBe(1);
    state.now = 1000;
    await check(right);
    expect(state.reads).toBe(2);
  });

  it('with a new secret is let in soon after a rotation; guesses do not read the secret each time', async () => {
    let stored = 'the-secret-before-rotation';
    const { check, state } = make(() => stored);
    await check({ authorization: `Bearer ${stored}` });
    stored = spaceless;
    state.now = 99;
    await expect(check(right)).rejects.toMatchObject(unauthenticated);
    state.now = 100;
    await check(right);
    for (let guesses = 0; guesses < 20; guesses += 1) await expect(check(wrong)).rejects.toMatchObject(unauthenticated);
    expect(state.reads).toBe(2);
  });

  it('is not let in by a secret that is too short to be one', async () => {
    const { check } = make(() => 'short');
    await expect(check({ authorization: 'Bearer short' })).rejects.toThrow('at least 16');
  });
});
