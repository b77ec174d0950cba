import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { joinToken } from '#shared/contract/agent/enrolment.ts';
import { at, tokenOf } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { type TestContextOptions, testContext } from '../testing/context.ts';
import { createToken, listTokens, revokeToken, showToken } from './tokens.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(() => api.sent.splice(0));

const view = tokenOf(1);
const token = joinToken({ tokenId: view.tokenId, secret: 's'.repeat(43) });

describe('kbroker tokens create', () => {
  it('sends what was named', async () => {
    api.answer = () => ({ body: { version: 1, token, view } });
    const options = ['--group', 'pilots', '--uses', '50', '--expires', '7d', '--replace', '--note', 'lab'];
    const { exitCode, stdout } = await api.ask('tokens', 'create', ...options, '--json');
    expect(api.sent).toEqual([
      {
        method: 'POST',
        url: '/v1/tokens',
        body: { version: 1, group: 'pilots', uses: 50, expiresInSeconds: 604_800, replace: true, note: 'lab' },
      },
    ]);
    expect(JSON.parse(stdout)).toEqual({ version: 1, token, view });
    expect(exitCode).toBe(0);
  });

  it('makes one for a host and a day by default', async () => {
    api.answer = () => ({ body: { version: 1, token, view } });
    await api.ask('tokens', 'create', '--group', 'pilots');
    expect(api.sent[0]?.body).toEqual({ version: 1, group: 'pilots', uses: 1, expiresInSeconds: 86_400 });
  });

  it('prints the token on a line of its own, and the command that enrols', async () => {
    const { context, printed } = testContext(() => ({ version: 1, token, view }));
    expect(await createToken(context, { group: 'pilots', uses: '100', expires: '1d' })).toBe(0);
    expect(printed.stdout.split('\n')[0]).toBe(token);
    expect(printed.stdout).toContain(`for 100 hosts of group pilots, until ${view.expiresAt}; it is not shown again.`);
    expect(printed.stdout).toContain(`\n  kbroker-agent enroll --server https://api.example.org --token ${token}\n`);
  });

  it.each([
    [[], /required option '--group <group>' not specified/],
    [['--group', 'a b'], /not a name of a group: got "a b"/],
    [['--group', 'a', '--uses', '0'], /not a token: uses: .*1.*got 0/],
    [['--group', 'a', '--uses', 'many'], /not a token: uses: .*number.*got "many"/],
    [['--group', 'a', '--uses', '1e3'], /not a token: uses: /],
    [['--group', 'a', '--uses', '100001'], /not a token: uses: .*100000/],
    [['--group', 'a', '--expires', '2'], /not a duration: got "2"/],
    [['--group', 'a', '--expires', '367d'], /not a token: expiresInSeconds: /],
  ])('%j is a usage error, and nothing is sent', async (args, message) => {
    const { exitCode, stderr } = await api.ask('tokens', 'create', ...args);
    expect(stderr).toMatch(message);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});

describe('kbroker tokens list and show', () => {
  const tokens = [
    tokenOf(1, { used: 3 }),
    tokenOf(2, { revokedAt: at(9) }),
    tokenOf(3, { expiresAt: at(1) }),
    tokenOf(4, { used: 100, note: 'lab' }),
  ];

  it('lists all pages with their states', async () => {
    const { context, printed } = testContext(({ url }) =>
      url.includes('cursor=two')
        ? { version: 1, tokens: tokens.slice(2), unreadable: ['bad'] }
        : { version: 1, tokens: tokens.slice(0, 2), unreadable: [], next: 'two' },
    );
    expect(await listTokens(context)).toBe(0);
    const rows = printed.stdout.trimEnd().split('\n').slice(1);
    expect(rows.map((row) => /good|revoked|expired|used up/.exec(row)?.[0])).toEqual([
      'good',
      'revoked',
      'expired',
      'used up',
    ]);
    expect(rows[0]).toMatch(/ 3\/100 /);
    expect(printed.stderr).toBe('unreadable row in the store: bad\n');
  });

  it('shows one', async () => {
    const { context, printed } = testContext(() => tokenOf(1, { replace: true, note: 'lab' }));
    expect(await showToken(context, view.tokenId)).toBe(0);
    expect(printed.stdout).toMatch(/^token00000000001: good\n {2}group pilots, 0 of 100 uses spent\n/);
    expect(printed.stdout).toContain('  note: lab\n');
  });

  it('sends nothing for a whole token, and does not repeat it', async () => {
    const { exitCode, stderr } = await api.ask('tokens', 'show', token);
    expect(stderr).toMatch(/^kbroker: not an id of a token: expected 16 letters and digits/);
    expect(stderr).not.toContain('sss');
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});

describe('kbroker tokens revoke', () => {
  const revoke = async (flags: { yes?: boolean }, options: TestContextOptions) => {
    const test = testContext(() => tokenOf(1, { revokedAt: at(9) }), options);
    const ended = await revokeToken(test.context, view.tokenId, flags).catch((error: unknown) => error);
    return { ...test, ended };
  };

  it('does it with --yes', async () => {
    const { ended, calls, printed } = await revoke({ yes: true }, {});
    expect(calls).toMatchObject([{ method: 'POST', url: `/v1/tokens/${view.tokenId}/revocations`, body: {} }]);
    expect(printed.stdout).toMatch(/^token00000000001: revoked\n/);
    expect(ended).toBe(0);
  });

  it('asks on a terminal', async () => {
    const yes = await revoke({}, { answer: 'y' });
    expect([yes.ended, yes.calls.length, yes.questions]).toEqual([0, 1, ['Revoke the token token00000000001? [y/N] ']]);
    const no = await revoke({}, { answer: 'no' });
    expect([no.ended, no.calls.length]).toEqual([expect.objectContaining({ code: 'refused' }), 0]);
  });

  it('sends nothing when nobody can be asked', async () => {
    const { exitCode, stderr } = await api.ask('tokens', 'revoke', view.tokenId);
    expect(stderr).toMatch(/revoking a token cannot be taken back, .*: say --yes\n$/);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});
