import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noRules, type RuleBook } from '#shared/contract/rules.ts';
import { hostStates } from '#shared/core/status/states.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { rulesDocumentOf } from '../testing/rules.ts';
import { snapshot } from '../testing/values.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const before = {
  name: 'default',
  priority: 0,
  rules: [{ effect: 'hold' as const, when: { title: '*Preview*' } }],
  wapt: { allowedKbs: ['5000001'], allowedSeverities: ['Critical' as const] },
};
const book: RuleBook = {
  packages: [before],
  assignments: { groups: { everyone: ['default'], pilots: ['default'] }, hosts: {} },
};
const byState = Object.fromEntries(hostStates.map((state) => [state, 0]));
let current: object;
let groups: readonly string[];
beforeEach(() => {
  api.sent.splice(0);
  current = rulesDocumentOf(book);
  groups = ['pilots'];
  api.answer = ({ method, url, body }) => {
    if (url === '/v1/groups')
      return { body: { version: 1, ...snapshot, groups: groups.map((group) => ({ group, hosts: 1, byState })) } };
    return { body: method === 'GET' ? current : rulesDocumentOf((body as { book: RuleBook }).book, { revision: 4 }) };
  };
});
const put = () => api.sent.find(({ method }) => method === 'PUT')?.body;

describe('kbroker rules set', () => {
  it('changes what is named, in any spelling and each once, and leaves the rest', async () => {
    const lists = [
      '--forbid-kb',
      'kb5000002,5000002',
      '--forbid-kb',
      'KB5000003,KB0890830',
      '--allow-severity',
      'critical,LOW,Low',
    ];
    const { exitCode, stdout } = await api.ask('rules', 'set', ...lists, '--default-allow');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      'default is assigned to everyone, pilots\nrevision 4 is in force, and not signed: hosts get it after "kbroker trust init"\n',
    );
    const after = {
      ...before,
      wapt: {
        allowedKbs: ['5000001'],
        forbiddenKbs: ['5000002', '5000003', '890830'],
        allowedSeverities: ['Critical', 'Low'],
      },
      settings: { defaultAllow: true },
    };
    expect(put()).toEqual({ version: 2, expectedRevision: 3, book: { ...book, packages: [after] } });
  });

  it('makes the package, and assigns it to every group that has hosts or packages', async () => {
    const other = { name: 'other', priority: 0, rules: [] };
    current = rulesDocumentOf({ packages: [other], assignments: { groups: { servers: ['other'] }, hosts: {} } });
    expect((await api.ask('rules', 'set', '--no-default-allow')).exitCode).toBe(0);
    expect(put()).toMatchObject({
      book: {
        packages: [{ name: 'default', priority: 0, rules: [], settings: { defaultAllow: false } }, other],
        assignments: { groups: { pilots: ['default'], servers: ['default', 'other'] } },
      },
    });
  });

  it('assigns it to the groups that are named, and takes it from none', async () => {
    expect((await api.ask('rules', 'set', '--allow-kb', '', '--group', 'new')).exitCode).toBe(0);
    expect(put()).toMatchObject({
      book: {
        packages: [{ wapt: { allowedKbs: [], allowedSeverities: ['Critical'] } }],
        assignments: { groups: { everyone: ['default'], new: ['default'], pilots: ['default'] } },
      },
    });
    expect(api.sent.some(({ url }) => url === '/v1/groups')).toBe(false);
  });

  it('writes no new revision of the same rules', async () => {
    const { exitCode, stderr } = await api.ask('rules', 'set', '--allow-kb', '5000001');
    expect(stderr).toBe('these rules are in force already: no new revision was written\n');
    expect({ exitCode, put: put() }).toEqual({ exitCode: 0, put: undefined });
  });

  it('asks for groups where there are none yet', async () => {
    groups = [];
    current = noRules;
    const { exitCode, stderr } = await api.ask('rules', 'set', '--default-allow');
    expect(stderr).toBe('kbroker: no group has hosts or packages yet: name those that it is for by --group\n');
    expect({ exitCode, put: put() }).toEqual({ exitCode: 1, put: undefined });
  });

  it.each([
    [[], 'nothing to change: name at least one of --default-allow, --no-default-allow, --allow-kb, '],
    [['--allow-severity', 'Worst'], 'not a severity: got "Worst", allowed are Critical, Important, Moderate, Low\n'],
    [['--allow-kb', 'KB5000001,x'], 'not a KB number: got "x", expected five to eight digits as in KB5034441\n'],
    [['--forbid-kb', '12'], 'not a KB number: got "12", expected five to eight digits as in KB5034441\n'],
    [['--default-allow', '--group', 'a b'], 'not a name of a group: got "a b", '],
    [['--default-allow', '--no-default-allow'], '--default-allow and --no-default-allow contradict each other\n'],
    [['--no-default-allow', '--default-allow'], '--default-allow and --no-default-allow contradict each other\n'],
  ])('%j is a usage error, and nothing is sent', async (args, message) => {
    const { exitCode, stderr } = await api.ask('rules', 'set', ...args);
    expect(stderr).toContain(`kbroker: ${message}`);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});
