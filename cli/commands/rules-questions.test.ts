import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '#shared/contract/operators/rules.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import { type Called, testContext } from '../testing/context.ts';
import { impactOf, openFiles, rulesDocumentOf, type TestFiles } from '../testing/rules.ts';
import { hostViewOf } from '../testing/values.ts';
import { explainRules, showRulesImpact } from './rules-questions.ts';

let files: TestFiles;
beforeAll(async () => {
  files = await openFiles();
});
afterAll(() => files.close());

type Explained = Explanation['updates'][number];
const explained = (digit: string, more: Partial<Explained> = {}): Explained => ({
  updateId: `00000000-0000-4000-8000-00000000000${digit}`,
  revision: 200,
  kbs: [`500000${digit}`],
  title: `Update ${digit}`,
  firstPublishedAt: '2026-07-01T00:00:00.000Z',
  verdict: {
    allowed: false,
    code: 'held',
    reason: 'held by rule 1 of "pilot": KB5000001',
    by: { package: 'pilot', rule: 1 },
    until: '2026-12-01T00:00:00.000Z',
  },
  steps: [
    { step: 'forbid', decided: false, said: 'no rule forbids it' },
    { step: 'hold', decided: true, said: 'rule 1 of "pilot": KB5000001' },
  ],
  ...more,
});
const explanationOf = (updates: readonly Explained[], more: Partial<Explanation> = {}): Explanation => ({
  version: 1,
  machineId: 'pc-1',
  group: 'pilots',
  revision: 3,
  packages: ['pilot', 'base'],
  updates: [...updates],
  ...more,
});

const open = (explain: (query: string) => Explanation, json = false) =>
  testContext(
    ({ url }: Called): unknown => {
      if (url === '/v1/hosts/pc-1') return hostViewOf('pc-1');
      const [path, query = ''] = url.split('?');
      if (path === '/v1/rules/explanations/pc-1') return explain(query);
      throw new Error(`unexpected: ${url}`);
    },
    { json },
  );

describe('kbroker rules explain', () => {
  it('prints the chain of each update that the host needs, and what the host said itself', async () => {
    const allowed = explained('2', {
      kbs: [],
      withdrawnAt: '2026-07-10T00:00:00.000Z',
      verdict: { allowed: true, code: 'default-allow', reason: 'no rule mentions it' },
      steps: [{ step: 'default', decided: true, said: 'default_allow of "base"' }],
    });
    const reported = { state: 'DISCARDED', reason: 'held by rule 1 of "pilot"' } as const;
    const lost = { updateId: '00000000-0000-4000-8000-000000000009', revision: 7, kbs: ['5000009'] };
    const { context, printed, calls } = open(() =>
      explanationOf([explained('1', { reported }), allowed], { unknown: [lost], total: 5 }),
    );
    expect(await explainRules(context, { host: 'pc-1' })).toBe(0);
    expect(calls.map(({ url }) => url)).toEqual(['/v1/hosts/pc-1', '/v1/rules/explanations/pc-1']);
    expect(printed.stdout).toBe(`pc-1.example (pc-1) in group pilots: rules revision 3, packages pilot, base

KB5000001 Update 1
  00000000-0000-4000-8000-000000000001_200, first published 2026-07-01T00:00:00.000Z
  NOT ALLOWED: held by rule 1 of "pilot": KB5000001
  changes by itself at 2026-12-01T00:00:00.000Z
    forbid  no rule forbids it
  → hold    rule 1 of "pilot": KB5000001
  the host last reported DISCARDED: held by rule 1 of "pilot"

Update 2
  00000000-0000-4000-8000-000000000002_200, first published 2026-07-01T00:00:00.000Z
  not in the index any more since 2026-07-10T00:00:00.000Z: no host finds it
  ALLOWED: no rule mentions it
  → default  default_allow of "base"
  the host has not reported it

KB5000009 00000000-0000-4000-8000-000000000009_7
  no publication here had it: the rules cannot look at it

and 2 more; --update or --kb shows them
`);
  });

  it('says of a host that needs nothing that it does not', async () => {
    const { context, printed } = open(() => explanationOf([]));
    await explainRules(context, { host: 'pc-1' });
    expect(printed.stdout.split('\n')[1]).toBe('it reported no update that it needs; --update or --kb shows any other');
  });

  it('says first that nothing is installed on a host that is switched off', async () => {
    const switchedOff = 'nothing is installed on this host: "freeze" sets enabled to false';
    const { context, printed } = open(() => explanationOf([explained('1')], { switchedOff }));
    await explainRules(context, { host: 'pc-1' });
    expect(printed.stdout.split('\n')[1]).toBe(`${switchedOff}; what follows is what else would count`);
  });

  it('asks for one update, or for each KB once and joins what comes', async () => {
    const one = open(() => explanationOf([]));
    await explainRules(one.context, { host: 'pc-1', update: '00000000-0000-4000-8000-00000000000A_200' });
    expect(one.calls.at(-1)?.url).toBe('/v1/rules/explanations/pc-1?update=00000000-0000-4000-8000-00000000000a_200');
    expect(one.printed.stdout).toContain('no such update: none is known here, and the host reported none\n');

    const several = open(
      (query) =>
        explanationOf(query === 'kb=5000001' ? [explained('1')] : [explained('1'), explained('2')], { total: 3 }),
      true,
    );
    await explainRules(several.context, { host: 'pc-1', kb: ['KB5000001', '5000002', '5000001'] });
    expect(several.calls.slice(1).map(({ url }) => url.split('?')[1])).toEqual(['kb=5000001', 'kb=5000002']);
    const printed: Explanation = JSON.parse(several.printed.stdout);
    expect(printed.updates.map(({ title }) => title)).toEqual(['Update 1', 'Update 2']);
    expect(printed.total).toBe(5);
  });

  it('tells what is known of a KB though no index named another', async () => {
    const none = new CliError('not-found', 'no index named an update of KB5000002');
    const { context, printed } = open((query) => {
      if (query === 'kb=5000002') throw none;
      return explanationOf([explained('1')]);
    });
    expect(await explainRules(context, { host: 'pc-1', kb: ['5000002', '5000001'] })).toBe(0);
    expect(printed.stdout).toContain('KB5000001 Update 1\n');
    expect(printed.stderr).toBe('no index named an update of KB5000002\n');
    const lost = open(() => {
      throw none;
    });
    await expect(explainRules(lost.context, { host: 'pc-1', kb: ['5000002'] })).rejects.toBe(none);
  });

  it('does not join answers by different rules', async () => {
    const { context } = open((query) => explanationOf([], { revision: query.endsWith('1') ? 3 : 4 }));
    await expect(explainRules(context, { host: 'pc-1', kb: ['5000001', '5000002'] })).rejects.toThrow(
      'the rules were changed while they were explained; ask again',
    );
  });

  it.each([
    [{ host: 'pc 1' }, 'not a machine id or hostname'],
    [{ host: 'pc-1', kb: ['12'] }, 'not a KB number: got "12"'],
    [{ host: 'pc-1', kb: [] }, '--kb has no value'],
    [{ host: 'pc-1', update: 'KB5000001' }, 'not an UpdateId'],
    [{ host: 'pc-1', kb: ['5000001'], update: 'x' }, 'name --update or --kb, not both'],
  ])('%j is a usage error, and nothing is sent', async (flags, message) => {
    const { context, calls } = open(() => explanationOf([]));
    await expect(explainRules(context, flags)).rejects.toThrow(message);
    expect(calls).toEqual([]);
  });
});

describe('kbroker rules impact', () => {
  const book: RuleBook = {
    packages: [{ name: 'base', priority: 0, rules: [] }],
    assignments: { groups: { pilots: ['base'] }, hosts: {} },
  };

  it('asks what the files would do in the place of what is in force, and changes nothing', async () => {
    const file = await files.write('base.yaml', 'name: base\npriority: 7\n');
    const { context, calls, printed } = testContext(({ method }) =>
      method === 'POST' ? impactOf() : rulesDocumentOf(book),
    );
    expect(await showRulesImpact(context, [file])).toBe(0);
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /v1/rules', 'POST /v1/rules/impacts']);
    expect(calls[1]?.body).toEqual({
      version: 2,
      book: { ...book, packages: [{ name: 'base', priority: 7, rules: [] }] },
    });
    expect(printed.stdout).toBe('no verdict changes on any host\n');
    const scripts = testContext(({ method }) => (method === 'POST' ? impactOf() : rulesDocumentOf(book)), {
      json: true,
    });
    await showRulesImpact(scripts.context, [file]);
    expect(JSON.parse(scripts.printed.stdout)).toEqual(impactOf());
  });

  it('says which hosts are switched off before or after', async () => {
    const file = await files.write('freeze.yaml', 'name: freeze\nsettings: {enabled: false}\n');
    const before = { allowed: true, code: 'allowed', reason: 'allowed by rule 1 of "base": KB5000001' } as const;
    const after = { ...before, switchedOff: 'nothing is installed on this host: "freeze" sets enabled to false' };
    const change = { updateId: '00000000-0000-4000-8000-000000000001', kbs: ['5000001'], group: 'pilots', hosts: 7 };
    const impact = impactOf({ hosts: 7, total: 1, changes: [{ ...change, title: 'Update', before, after }] });
    const { context, printed } = testContext(({ method }) => (method === 'POST' ? impact : rulesDocumentOf(book)));
    await showRulesImpact(context, [file]);
    expect(printed.stdout).toBe(`1 verdict changes, on 7 hosts:
HOSTS  WHERE   KB         TITLE   BEFORE   AFTER          REASON
7      pilots  KB5000001  Update  allowed  off (allowed)  ${after.switchedOff}; otherwise ${before.reason}
`);
  });

  it('refuses files with faults before anything is sent', async () => {
    const file = await files.write('bad.yaml', 'name: base\nrule: []\n');
    const { context, calls, printed } = testContext(() => rulesDocumentOf(book));
    await expect(showRulesImpact(context, [file])).rejects.toThrow('1 fault in the files; nothing was sent');
    expect(printed.stderr).toContain(`${file}:2:1: rule: no field of a package`);
    expect(calls).toEqual([]);
  });
});
