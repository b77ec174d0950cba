import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultRules } from '#shared/contract/rules.ts';
import { openApi, type TestApi } from '../testing/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const current = { ...defaultRules, revision: 3, allowedKbs: ['5000001'], allowedSeverities: ['Critical'] };
beforeEach(() => {
  api.sent.splice(0);
  api.answer = ({ method, body }) => ({
    body: method === 'GET' ? current : { ...current, ...(body as { rules: object }).rules, revision: 4 },
  });
});
const put = () => api.sent.find(({ method }) => method === 'PUT')?.body;
const { defaultAllow, allowedKbs, forbiddenKbs, allowedSeverities } = current;
const rules = { defaultAllow, allowedKbs, forbiddenKbs, allowedSeverities };

describe('kbroker rules set', () => {
  it('changes what is named, in any spelling and each once, and leaves the rest', async () => {
    const lists = [
      '--forbid-kb',
      'kb5000002,5000002',
      '--forbid-kb',
      'KB5000003',
      '--allow-severity',
      'critical,LOW,Low',
    ];
    const { exitCode, stdout } = await api.ask('rules', 'set', ...lists);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Revision 4/);
    expect(put()).toEqual({
      version: 1,
      expectedRevision: 3,
      rules: { ...rules, forbiddenKbs: ['5000002', '5000003'], allowedSeverities: ['Critical', 'Low'] },
    });
  });

  it('empties a list', async () => {
    expect((await api.ask('rules', 'set', '--allow-kb', '')).exitCode).toBe(0);
    expect(put()).toMatchObject({ rules: { ...rules, allowedKbs: [] } });
  });

  it('writes no new revision of the same rules', async () => {
    const { exitCode, stdout, stderr } = await api.ask('rules', 'set', '--allow-kb', '5000001', '--no-default-allow');
    expect(stdout).toMatch(/^Revision 3/);
    expect(stderr).toBe('these rules are in force already: no new revision was written\n');
    expect({ exitCode, put: put() }).toEqual({ exitCode: 0, put: undefined });
  });

  it.each([
    [[], 'nothing to change: name at least one of --default-allow, --no-default-allow, --allow-kb, '],
    [['--allow-severity', 'Worst'], 'not a severity: got "Worst", allowed are Critical, Important, Moderate, Low\n'],
    [['--allow-kb', 'KB5000001,x'], 'not a KB number: got "x", expected five to eight digits as in KB5034441\n'],
    [['--forbid-kb', '12'], 'not a KB number: got "12", expected five to eight digits as in KB5034441\n'],
    [['--default-allow', '--no-default-allow'], '--default-allow and --no-default-allow contradict each other\n'],
    [['--no-default-allow', '--default-allow'], '--default-allow and --no-default-allow contradict each other\n'],
  ])('%j is a usage error, and nothing is sent', async (args, message) => {
    const { exitCode, stderr } = await api.ask('rules', 'set', ...args);
    expect(stderr).toContain(`kbroker: ${message}`);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});
