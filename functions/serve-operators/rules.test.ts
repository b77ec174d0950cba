import { beforeEach, describe, expect, it } from 'vitest';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { noRules, type RuleBook } from '#shared/contract/rules.ts';
import { ada, get, operatorsApi, post } from '#test/kit/operators-api.ts';
import { at, sha256 } from '#test/kit/values.ts';

let { ports, api, clock } = operatorsApi();
beforeEach(() => {
  ({ ports, api, clock } = operatorsApi());
});

const bookOf = (...kbs: readonly string[]): RuleBook => ({
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { kbs: [...kbs] } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {} },
});
const change = (expectedRevision: number, book = bookOf('5000001'), comment?: string) =>
  post({ version: 2 as const, expectedRevision, book, ...(comment !== undefined && { comment }) });

describe('rules', () => {
  it('are the empty book before anybody wrote some', async () => {
    expect(await api.getRules(get())).toEqual(noRules);
  });

  it('are replaced, the change is dated, and subscribers are told', async () => {
    const written = {
      version: 2,
      revision: 1,
      changedAt: at(100),
      changedBy: ada.name,
      comment: 'why',
      book: bookOf('5000001'),
    };
    expect(await api.putRules(change(0, bookOf('5000001'), 'why'))).toEqual(written);
    expect(await api.getRules(get())).toEqual(written);
    expect(ports.events.of('RulesPublished')).toEqual([
      { version: 1, revision: 1, changedAt: at(100), changedBy: ada.name },
    ]);
  });

  it('are not replaced by somebody who has not seen the last change; that is no change', async () => {
    await api.putRules(change(0));
    await expect(api.putRules(change(0))).rejects.toMatchObject({
      name: 'ProblemError',
      code: 'conflict',
      message: 'the rules in force are revision 1, not 0 any more',
    });
    expect(ports.audit.entries).toHaveLength(1);
    expect(ports.events.of('RulesPublished')).toHaveLength(1);
  });

  it('of two at the same time one replaces them, and the log says so', async () => {
    const both = await Promise.allSettled([api.putRules(change(0)), api.putRules(change(0))]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const failed = ports.audit.entries.filter((entry) => entry.failed !== undefined);
    expect(failed).toHaveLength(ports.audit.entries.length - 1 - failed.length);
    expect((await ports.rules.get()).revision).toBe(1);
  });

  it('that are too large to be kept are refused in words, and the log takes the change back', async () => {
    const rules = Array.from({ length: 10_000 }, (_, n) => ({
      effect: 'hold' as const,
      when: { kbs: ['5000001'] },
      comment: sha256(`${n}`) + sha256(`-${n}`),
    }));
    const large = { ...noRules.book, packages: [{ name: 'large', priority: 0, rules }] };
    await expect(api.putRules(change(0, large))).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringMatching(/the rules have \d+ bytes gzipped, at most \d+ are kept/),
    });
    expect(await api.getRules(get())).toEqual(noRules);
    expect(ports.audit.entries).toMatchObject([{ number: 1 }, { failed: { number: 1 } }]);
    expect(ports.events.of('RulesPublished')).toEqual([]);
  });
});

describe('earlier rules', () => {
  beforeEach(async () => {
    for (const n of [1, 2, 3]) {
      clock.seconds = n;
      await api.putRules(change(n - 1, bookOf(`500000${n}`), n === 2 ? 'a try' : undefined));
    }
  });

  it('are listed over pages, the newest first, with who wrote them and why', async () => {
    const page = await api.listRulesRevisions(get({ query: { limit: '2' } }));
    expect(page).toMatchObject({
      version: 1,
      revisions: [
        { revision: 3, changedAt: at(3), changedBy: ada.name },
        { revision: 2, changedAt: at(2), changedBy: ada.name, comment: 'a try' },
      ],
      unreadable: [],
    });
    operatorEndpoints.listRulesRevisions.response.parse(page);
    const rest = await api.listRulesRevisions(get({ query: { limit: '2', cursor: page.next } }));
    expect(rest.revisions).toEqual([{ revision: 1, changedAt: at(1), changedBy: ada.name }]);
    expect(rest).not.toHaveProperty('next');
    await expect(api.listRulesRevisions(get({ query: { cursor: 'made up' } }))).rejects.toMatchObject({
      code: 'bad-request',
    });
  });

  it('are shown as they were', async () => {
    const shown = (revision: string) => api.getRulesRevision(get({ path: { revision } }));
    expect(await shown('1')).toMatchObject({
      revision: 1,
      changedAt: at(1),
      changedBy: 'ada@example.org',
      book: bookOf('5000001'),
    });
    expect(await shown('2')).toMatchObject({ comment: 'a try', book: bookOf('5000002') });
    expect(await shown('0')).toEqual(noRules);
    await expect(shown('4')).rejects.toMatchObject({ code: 'not-found', message: 'the rules have no revision 4' });
    for (const wrong of ['', '-1', '1.5', 'latest'])
      await expect(shown(wrong)).rejects.toMatchObject({
        code: 'bad-request',
        message: expect.stringMatching(/revision: must be a number from 0/),
      });
  });
});
