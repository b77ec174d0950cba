import { describe, expect, it } from 'vitest';
import type { RuleBook } from '#shared/contract/rules.ts';
import { readPackage } from '../rules/read-package.ts';
import { type Called, testContext } from '../testing/context.ts';
import { rulesDocumentOf } from '../testing/rules.ts';
import { listRules, showRules, showRulesHistory } from './rules.ts';

const book: RuleBook = {
  packages: [
    {
      name: 'base',
      priority: 0,
      rules: [],
      wapt: { allowedSeverities: ['Critical', 'Important'], forbiddenKbs: ['5034441'] },
    },
    { name: 'pilot', description: 'first', priority: 10, rules: [{ effect: 'allow', when: { title: '*' } }] },
    { name: 'unused', priority: 0, rules: [] },
  ],
  assignments: { groups: { everyone: ['base'], pilots: ['base', 'pilot'] }, hosts: { 'pc-1': ['pilot'] } },
};

const answerOf = (called: Called): unknown => {
  if (called.url === '/v1/rules') return rulesDocumentOf(book, { comment: 'ticket\n17', changedBy: 'Ada' });
  if (called.url === '/v1/rules/revisions/2')
    return rulesDocumentOf({ ...book, packages: book.packages.slice(0, 2) }, { revision: 2 });
  throw new Error(`unexpected: ${called.url}`);
};

describe('kbroker rules list', () => {
  it('lists packages in the order in which they count, and where', async () => {
    const { context, printed } = testContext(answerOf);
    expect(await listRules(context)).toBe(0);
    expect(printed.stdout).toBe(`revision 3 of 2026-07-14T12:00:00.000Z by Ada: ticket\\x0a17
NAME    PRIORITY  RULES  WAPT'S  ASSIGNED TO        DESCRIPTION
pilot   10        1      0       pilots, host pc-1  first
base    0         0      3       everyone, pilots
unused  0         0      0       nothing
`);
  });

  it('says what no packages mean', async () => {
    const empty = { version: 2, revision: 0, book: { packages: [], assignments: { groups: {}, hosts: {} } } };
    const { context, printed } = testContext(() => empty);
    await listRules(context);
    expect(printed.stdout).toBe(
      'revision 0, nothing was written yet\nno packages: nothing is allowed but servicing stack updates\n',
    );
  });

  it('gives scripts the document', async () => {
    const { context, printed } = testContext(answerOf, { json: true });
    await listRules(context);
    expect(JSON.parse(printed.stdout)).toMatchObject({ version: 2, revision: 3, book });
  });
});

describe('kbroker rules show', () => {
  it('prints what rules put takes', async () => {
    const { context, printed } = testContext(answerOf);
    expect(await showRules(context, 'base')).toBe(0);
    expect(
      printed.stdout,
    ).toBe(`# revision 3 of 2026-07-14T12:00:00.000Z by Ada: ticket 17; assigned to everyone, pilots
name: base
priority: 0
wapt:
  forbidden_kbs: [KB5034441]
  allowed_severities: [Critical, Important]
`);
    expect(readPackage(printed.stdout)).toEqual({ success: true, package: book.packages[0] });
  });

  it('shows an earlier revision', async () => {
    const { context, printed, calls } = testContext(answerOf, { json: true });
    await showRules(context, 'pilot', { revision: '2' });
    expect(calls.map(({ url }) => url)).toEqual(['/v1/rules/revisions/2']);
    expect(JSON.parse(printed.stdout)).toEqual({
      version: 2,
      revision: 2,
      package: book.packages[1],
      assigned: { groups: ['pilots'], hosts: ['pc-1'] },
    });
  });

  it.each([
    ['Base', {}, 'not a name of a rule package: got "Base"'],
    ['base', { revision: 'last' }, '--revision: got "last", expected a number that rules history lists'],
    ['none', {}, 'there is no package none; there are base, pilot, unused'],
  ])('refuses %s %j', async (name, flags, message) => {
    await expect(showRules(testContext(answerOf).context, name, flags)).rejects.toThrow(message);
  });
});

describe('kbroker rules history', () => {
  const page = (revision: number, more: object = {}) => ({
    version: 1,
    revisions: [{ revision, changedAt: '2026-07-14T12:00:00.000Z', changedBy: 'Ada', ...more }],
    unreadable: [],
  });
  const pages = ({ url }: Called): unknown =>
    url.includes('cursor=')
      ? { ...page(2), unreadable: ['rules 1'] }
      : { ...page(3, { comment: 'ticket 17' }), next: 'c' };

  it('lists all pages, the newest first', async () => {
    const { context, printed } = testContext(pages);
    expect(await showRulesHistory(context)).toBe(0);
    expect(printed.stdout).toBe(`REVISION  AT                        BY   COMMENT
3         2026-07-14T12:00:00.000Z  Ada  ticket 17
2         2026-07-14T12:00:00.000Z  Ada
`);
    expect(printed.stderr).toBe('unreadable row in the store: rules 1\n');
  });

  it('gives scripts all of them', async () => {
    const { context, printed } = testContext(pages, { json: true });
    await showRulesHistory(context);
    expect(JSON.parse(printed.stdout).revisions.map(({ revision }: { revision: number }) => revision)).toEqual([3, 2]);
  });
});
