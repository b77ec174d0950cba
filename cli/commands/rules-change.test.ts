import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuleBook } from '#shared/contract/rules.ts';
import { hostStates } from '#shared/core/status/states.ts';
import type { PublishFlags } from '../rules/publish.ts';
import { type Called, type TestContextOptions, testContext } from '../testing/context.ts';
import { impactOf, openFiles, rulesDocumentOf, type TestFiles } from '../testing/rules.ts';
import { hostViewOf, snapshot } from '../testing/values.ts';
import { assignRules, promoteRules, putRules, removeRules, unassignRules } from './rules-change.ts';

let files: TestFiles;
beforeAll(async () => {
  files = await openFiles();
});
afterAll(() => files.close());

const book: RuleBook = {
  packages: [
    { name: 'base', priority: 0, rules: [] },
    { name: 'pilot', priority: 10, rules: [] },
  ],
  assignments: { groups: { everyone: ['base'], pilots: ['base', 'pilot'] }, hosts: { 'pc-1': ['pilot'] } },
};
const held = {
  allowed: false,
  code: 'held',
  reason: 'held by rule 1 of "base": KB5034441',
  until: '2026-12-01T00:00:00.000Z',
};
const change = {
  updateId: '2a9f0c1e-77aa-4b0f-8d53-0123456789ab',
  kbs: ['5034441'],
  title: 'Update one',
  group: 'everyone',
  hosts: 7,
  before: { allowed: true, code: 'default-allow', reason: 'x' },
  after: held,
} as const;
const impact = {
  ...impactOf(),
  hosts: 8,
  total: 4,
  unknown: 2,
  changes: [change, { ...change, machineId: 'pc-1', hosts: 1 }],
};

const byState = Object.fromEntries(hostStates.map((state) => [state, 0]));

const answerOf = ({ method, url, body }: Called): unknown => {
  if (method === 'POST') return impact;
  if (url === '/v1/groups') return { version: 1, ...snapshot, groups: [{ group: 'everyone', hosts: 7, byState }] };
  if (method === 'PUT') return rulesDocumentOf((body as { book: RuleBook }).book, { revision: 4 });
  return url.startsWith('/v1/hosts/') ? hostViewOf(url.split('/').at(-1) ?? '') : rulesDocumentOf(book);
};
const open = (options: TestContextOptions = {}) => testContext(answerOf, options);
const yes: PublishFlags = { yes: true };
const putOf = (calls: readonly Called[]) => calls.find(({ method }) => method === 'PUT')?.body;

describe('kbroker rules put', () => {
  const text = 'name: base\nrules:\n  - {effect: hold, kb: KB5034441, expires: 2026-12-01}\n';
  const written = {
    name: 'base',
    priority: 0,
    rules: [{ effect: 'hold', when: { kbs: ['5034441'] }, expiresAt: '2026-12-01T00:00:00.000Z' }],
  };

  it('shows the impact, asks, and writes', async () => {
    const file = await files.write('base.yaml', text);
    const other = await files.write('other.json', '{"name": "other"}');
    const { context, calls, questions, printed } = open({ answer: 'y' });
    expect(await putRules(context, [file, other], { comment: 'ticket 17' })).toBe(0);
    const after = { ...book, packages: [written, { name: 'other', priority: 0, rules: [] }, book.packages[1]] };
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/rules',
      'POST /v1/rules/impacts',
      'PUT /v1/rules',
    ]);
    const sorted = {
      ...after,
      packages: after.packages.toSorted((a, b) => ((a?.name ?? '') < (b?.name ?? '') ? -1 : 1)),
    };
    expect(calls[1]?.body).toEqual({ version: 2, book: sorted });
    expect(putOf(calls)).toEqual({ version: 2, expectedRevision: 3, comment: 'ticket 17', book: sorted });
    expect(questions).toEqual(['Publish these rules as revision 4? [y/N] ']);
    expect(printed.stdout).toBe(`4 verdicts change, on 8 hosts:
HOSTS  WHERE                KB         TITLE       BEFORE   AFTER                  REASON
7      everyone             KB5034441  Update one  allowed  held until 2026-12-01  held by rule 1 of "base": KB5034441
1      everyone, host pc-1  KB5034441  Update one  allowed  held until 2026-12-01  held by rule 1 of "base": KB5034441
and 2 more, on fewer hosts each
2 updates that hosts need are in no publication here, and could not be judged
base is written; assigned to everyone, pilots
other is new, and counts nowhere until it is assigned
revision 4 is in force, and not signed: hosts get it after "kbroker trust init"
`);
    expect(printed.stderr).toBe('compared with revision 3; hosts as of 2026-07-14T12:00:00.000Z (1 min ago)\n');
  });

  it('names rules that are over before they begin', async () => {
    const rules = ['2026-07-14', '2026-07-15'].map((day) => `  - {effect: hold, kb: KB5034441, expires: ${day}}\n`);
    const file = await files.write('base.yaml', `name: base\nrules:\n${rules.join('')}`);
    const { context, printed } = open();
    await putRules(context, [file], { dryRun: true });
    expect(printed.stderr.split('\n').slice(0, -2)).toEqual([
      'rule 1 of base expired at 2026-07-14T00:00:00.000Z: it is as if it were not there',
    ]);
  });

  it('writes nothing when the answer is not yes', async () => {
    const file = await files.write('base.yaml', text);
    const { context, calls } = open({ answer: '' });
    await expect(putRules(context, [file], {})).rejects.toThrow('not done: the answer was not yes');
    expect(putOf(calls)).toBeUndefined();
  });

  it('needs --yes where nobody can be asked, before anything is sent', async () => {
    const file = await files.write('base.yaml', text);
    const { context, calls } = open();
    await expect(putRules(context, [file], {})).rejects.toThrow('there is no terminal to ask on: say --yes');
    expect(calls).toEqual([]);
  });

  it('only shows the impact with --dry-run', async () => {
    const file = await files.write('base.yaml', text);
    const { context, calls, printed } = open();
    expect(await putRules(context, [file], { dryRun: true })).toBe(0);
    expect(printed.stdout).toMatch(/^4 verdicts change.*\nnot written: --dry-run\n$/s);
    const scripts = open({ json: true });
    await putRules(scripts.context, [file], { dryRun: true });
    expect(JSON.parse(scripts.printed.stdout)).toEqual(impact);
    expect([putOf(calls), putOf(scripts.calls)]).toEqual([undefined, undefined]);
  });

  it('does not ask for the impact with --no-impact, and gives scripts the new rules', async () => {
    const file = await files.write('base.yaml', text);
    const { context, calls, printed } = open({ json: true });
    expect(await putRules(context, [file], { yes: true, impact: false })).toBe(0);
    expect(calls.map(({ method }) => method)).toEqual(['GET', 'PUT']);
    expect(JSON.parse(printed.stdout)).toMatchObject({ revision: 4, book: { packages: [written, book.packages[1]] } });
  });

  it('writes no new revision of the same rules', async () => {
    const file = await files.write('base.yaml', 'name: base\n');
    const { context, calls, printed } = open();
    expect(await putRules(context, [file], yes)).toBe(0);
    expect(printed.stderr).toBe('these rules are in force already: no new revision was written\n');
    expect(calls.map(({ method }) => method)).toEqual(['GET']);
  });

  it('tells every fault of every file with its line and column, and sends nothing', async () => {
    const one = await files.write('one.yaml', 'name: One\nrules:\n  - {effect: hold}\n');
    const two = await files.write('two.yaml', 'name: base\npriority: high\n');
    const { context, calls, printed } = open();
    await expect(putRules(context, [one, two], yes)).rejects.toThrow('3 faults in the files; nothing was sent');
    expect(printed.stderr.split('\n')).toEqual([
      expect.stringContaining(`${one}:1:7: name: `),
      expect.stringContaining(`${one}:3:5: rules.1: a rule names at least one condition`),
      expect.stringContaining(`${two}:2:11: priority: `),
      '',
    ]);
    expect(calls).toEqual([]);
  });

  it.each(['twice.yaml', 'missing.yaml'])('refuses %s', async (name) => {
    const file = await files.write('base.yaml', text);
    if (name === 'twice.yaml') await files.write(name, text);
    const { context, printed } = open();
    await expect(putRules(context, [file, files.path(name)], yes)).rejects.toThrow(
      name === 'twice.yaml' ? '1 fault in the files' : 'missing.yaml: no such file',
    );
    if (name === 'twice.yaml') expect(printed.stderr).toContain('the package base is in another of these files too');
  });

  it('refuses a comment that would not be kept', async () => {
    const file = await files.write('base.yaml', text);
    await expect(putRules(open().context, [file], { yes: true, comment: 'x'.repeat(1025) })).rejects.toThrow(
      '--comment: has 1025 characters, at most 1024 are kept',
    );
  });
});

describe('kbroker rules remove', () => {
  it('takes a package away wherever it is assigned', async () => {
    const { context, calls, printed } = open();
    expect(await removeRules(context, 'pilot', yes)).toBe(0);
    expect(putOf(calls)).toMatchObject({
      book: {
        packages: [book.packages[0]],
        assignments: { groups: { everyone: ['base'], pilots: ['base'] }, hosts: {} },
      },
    });
    expect(printed.stdout).toContain('pilot is removed; it was assigned to pilots, host pc-1\n');
  });

  it('refuses what is not there', async () => {
    const { context, calls } = open();
    await expect(removeRules(context, 'none', yes)).rejects.toThrow('there is no package none; there are base, pilot');
    expect(putOf(calls)).toBeUndefined();
  });
});

describe('kbroker rules assign and unassign', () => {
  it('assigns to groups and hosts, once', async () => {
    const { context, calls, printed } = open();
    expect(await assignRules(context, 'pilot', { ...yes, group: ['everyone', 'pilots'], host: ['pc-2'] })).toBe(0);
    expect(putOf(calls)).toMatchObject({
      book: {
        assignments: {
          groups: { everyone: ['base', 'pilot'], pilots: ['base', 'pilot'] },
          hosts: { 'pc-1': ['pilot'], 'pc-2': ['pilot'] },
        },
      },
    });
    expect(printed.stdout).toContain('pilot is assigned to everyone, pilots, host pc-2\n');
  });

  it('names groups that no host is in before it asks: they may be mistyped', async () => {
    const { context, printed } = open();
    await assignRules(context, 'pilot', { dryRun: true, group: ['everyone', 'everyonf', 'later'], host: [] });
    const told = 'no host is in everyonf, later, and pilot counts on none there; groups with hosts are everyone\n';
    expect(printed.stderr.startsWith(told)).toBe(true);
    const known = open();
    await assignRules(known.context, 'pilot', { dryRun: true, group: ['everyone'] });
    expect(known.printed.stderr).not.toContain('no host is in');
    // What is not to be asked of the fleet is not asked.
    const blind = open();
    await assignRules(blind.context, 'pilot', { ...yes, impact: false, group: ['later'] });
    expect(blind.calls.map(({ url }) => url)).toEqual(['/v1/rules', '/v1/rules']);
  });

  it('takes an assignment away, and the empty list with it', async () => {
    const { context, calls } = open();
    expect(await unassignRules(context, 'pilot', { ...yes, group: ['pilots'], host: ['pc-1'] })).toBe(0);
    expect(putOf(calls)).toMatchObject({
      book: { assignments: { groups: { everyone: ['base'], pilots: ['base'] }, hosts: {} } },
    });
    // A host that is gone can be unassigned by its id.
    expect(calls.some(({ url }) => url.startsWith('/v1/hosts'))).toBe(false);
  });

  it('refuses what is not assigned there, no place, no package and no host', async () => {
    const flags = { ...yes, group: ['everyone'] };
    await expect(unassignRules(open().context, 'pilot', flags)).rejects.toThrow(
      'pilot is not assigned to everyone, but to pilots, host pc-1',
    );
    await expect(assignRules(open().context, 'none', flags)).rejects.toThrow('there is no package none');
    const { context, calls } = open();
    await expect(assignRules(context, 'pilot', yes)).rejects.toThrow('name at least one of --group, --host');
    await expect(assignRules(context, 'pilot', { ...yes, group: [''] })).rejects.toThrow('not a name of a group');
    expect(calls).toEqual([]);
  });
});

describe('kbroker rules promote', () => {
  it('gives one ring what another has', async () => {
    const { context, calls, printed } = open();
    expect(await promoteRules(context, 'pilot', { ...yes, from: 'pilots', to: 'everyone' })).toBe(0);
    expect(putOf(calls)).toMatchObject({ book: { assignments: { groups: { everyone: ['base', 'pilot'] } } } });
    expect(printed.stdout).toContain('group everyone gets pilot\n');
  });

  it('names a ring that no host is in', async () => {
    const { context, printed } = open();
    await promoteRules(context, 'base', { dryRun: true, from: 'everyone', to: 'everyonf' });
    expect(printed.stderr).toContain('no host is in everyonf, and base counts on none there; groups with hosts are');
  });

  it('is refused between a ring and itself before anything is sent', async () => {
    const { context, calls } = open();
    await expect(promoteRules(context, 'pilot', { ...yes, from: 'a', to: 'a' })).rejects.toThrow(
      'are the same group a',
    );
    expect(calls).toEqual([]);
  });
});
